import CPerl
import PerlRuntime
import ReloadModel
import SourceFiles

// Keeping what the load has made, or taking it back.
extension Transaction {
  func conclude() {
    for file in staged.sorted() {
      guard let name = follower.before(file)?.name else { continue }
      // perl does not give END blocks to clones.
      name.withCString { cp_patch_drop_end_blocks($0, follower.files[file].isInherited) }
    }
    report.reloaded = follower.inOrder(staged).map { follower.files[$0].key }
    report.loaded = follower.ended.filter {
      !staged.contains($0) && follower.before($0) == nil && follower.files[$0].isLoaded
    }
    .map { follower.files[$0].key }
    bury()
    forgetEntries()
    cp_patch_commit()
    follower.endPatch(restoring: false)
    if !built.isEmpty { _ = Patcher.ask("_keep_built", "") }
  }

  func takeBack() {
    // Libraries of others that the load has brought in are whole, and stay.
    let kept = Set(
      follower.ended.filter { follower.before($0) == nil && follower.files[$0].isLoaded && !follower.isWatched($0) })
    let gone = Set(
      follower.files.indices.filter { !kept.contains($0) && (staged.contains($0) || follower.before($0) == nil) })
    let libraries = kept.map { follower.files[$0] }
    attempted = gone.filter { follower.before($0) == nil }.compactMap {
      follower.files[$0].path.isEmpty ? search(for: follower.files[$0]).found : follower.files[$0].path
    }
    forgetEntries()
    cp_patch_rollback()
    remove(what: gone)
    follower.endPatch(restoring: true)
    if !built.isEmpty { _ = Patcher.ask("_put_back", "") }
    for file in libraries {
      file.key.withCString { key in
        file.name.withCString { cp_inc_set(key, file.key.utf8.count, $0, file.name.utf8.count) }
      }
    }
    if !libraries.isEmpty { follower.adopt() }
  }

  /// Deletes the names that these files have brought into the stashes.
  private func remove(what gone: Set<Int>) {
    table.refresh(certainly: doubtful)
    // What perl calls a file whose first load has failed is not known.
    let keys = Set(gone.filter { follower.files[$0].name.isEmpty }.map { follower.files[$0].key })
    var left: [Int: Int] = [:]
    for stash in table.changed {
      left[stash] = table.slots(of: stash).count
      for slot in table.slots(of: stash) where !table.isOld(slot) && isOf(slot, gone, keys) {
        cp_delete_entry(table.stashes[stash].stash, slot.name, slot.name_count)
        left[stash]! -= 1
      }
    }
    for stash in left.keys.sorted().reversed() where left[stash] == 0 && table.stashes[stash].is_new {
      let parts = table.name(of: stash).split(separator: ":", omittingEmptySubsequences: true)
      let parent = parts.count > 1 ? parts.dropLast().joined(separator: "::") : "main"
      guard let place = table.stash(named: parent), let leaf = parts.last.map({ $0 + "::" }) else { continue }
      leaf.withCString { cp_delete_entry(table.stashes[place].stash, $0, UInt32(leaf.utf8.count)) }
    }
  }

  private func isOf(_ slot: cp_slot, _ gone: Set<Int>, _ keys: Set<String>) -> Bool {
    let stash = Int(slot.stash)
    let makers = [table.compiler(slot), table.maker(slot), table.owners[stash], table.namesake(of: stash)].compactMap {
      $0
    }
    // What a hook in @INC gives has no file; it was loaded by this load.
    return makers.contains(where: gone.contains)
      || [slot.code_file, slot.glob_file].contains {
        guard $0 >= 0 else { return false }
        let name = String(cString: cp_file_name($0))
        return name.hasPrefix("/loader/") || keys.contains { name == $0 || name.hasSuffix("/" + $0) }
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
