import CPerl
import PerlRuntime
import ReloadModel
import SourceFiles

// Keeping what the load has made, or taking it back.
extension Transaction {
  func conclude() {
    for file in staged.sorted() {
      let name = memory.name(of: file)
      // perl does not give END blocks to clones.
      name.withCString { cp_patch_drop_end_blocks($0, follower.files[file].isInherited) }
    }
    report.reloaded = follower.order.filter(staged.contains).map { follower.files[$0].key }
    report.loaded = follower.ended.filter { !staged.contains($0) && !memory.knows($0) && follower.files[$0].isLoaded }
      .map { follower.files[$0].key }
    bury()
    forgetEntries()
    cp_patch_commit()
    follower.recount()
  }

  func takeBack() {
    // Libraries of others that the load has brought in are whole, and stay.
    let kept = Set(
      follower.ended.filter { !memory.knows($0) && follower.files[$0].isLoaded && !follower.isWatched($0) })
    let gone = Set(follower.files.indices.filter { !kept.contains($0) && (staged.contains($0) || !memory.knows($0)) })
    let libraries = kept.map { follower.files[$0] }
    forgetEntries()
    cp_patch_rollback()
    remove(what: gone)
    follower.restore(memory)
    for file in libraries {
      file.key.withCString { key in
        file.name.withCString { cp_inc_set(key, file.key.utf8.count, $0, file.name.utf8.count) }
      }
    }
    if !libraries.isEmpty { follower.adopt() }
  }

  /// Deletes the names that these files have brought into the stashes.
  private func remove(what gone: Set<Int>) {
    let view = StashView(follower)
    var left = view.stashes.map { Int($0.end) - Int($0.first) }
    for (number, slot) in view.slots.enumerated() {
      let stash = Int(slot.stash)
      if isOld(slot, view) { continue }
      let makers = [view.compilers[number], view.maker(slot, follower)].compactMap { $0 }
      let isOurs = makers.contains(where: gone.contains) || view.owners[stash].map(gone.contains) ?? false
      // What a hook in @INC gives has no file; it was loaded by this load.
      let isOfHook = [slot.code_file, slot.glob_file].contains {
        $0 >= 0 && String(cString: cp_file_name($0)).hasPrefix("/loader/")
      }
      guard isOurs || isOfHook else { continue }
      cp_delete_entry(view.stashes[stash].stash, slot.name, slot.name_count)
      left[stash] -= 1
    }
    for stash in view.stashes.indices.reversed() where left[stash] == 0 && !stashes.contains(view.stashes[stash].stash)
    {
      let parts = view.names[stash].split(separator: ":", omittingEmptySubsequences: true)
      let parent = parts.count > 1 ? parts.dropLast().joined(separator: "::") : "main"
      guard let place = view.names.firstIndex(of: parent), let leaf = parts.last.map({ $0 + "::" }) else { continue }
      leaf.withCString { cp_delete_entry(view.stashes[place].stash, $0, UInt32(leaf.utf8.count)) }
    }
  }

  private func forgetEntries() {
    for entry in entries { cp_release(entry.value) }
    entries = []
  }

  /// Remembers the subs that are gone and still referred to.
  private func bury() {
    for sub in lifted where cp_lifted_state_of(sub.number) == CP_LIFTED_REMOVED {
      guard let head = cp_lifted_remove(sub.number) else { continue }
      let package = sub.name.split(separator: ":").dropLast().joined(separator: "/") + ".pm"
      let file = follower.numbers[package] ?? staged.first!
      sub.name.withCString { cp_grave_keep($0, sub.name.utf8.count, cp_lifted_glob(sub.number), head) }
      cp_release(head)
      graves[sub.name] = staged.contains(file) ? file : staged.first!
    }
    for sub in lifted where cp_lifted_state_of(sub.number) != CP_LIFTED_REMOVED {
      guard graves.removeValue(forKey: sub.name) != nil else { continue }
      sub.name.withCString { cp_grave_forget($0, sub.name.utf8.count) }
    }
  }
}
