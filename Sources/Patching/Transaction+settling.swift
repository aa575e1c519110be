import CPerl
import PerlRuntime
import ReloadModel
import SourceFiles

extension Transaction {
  /// Loads a file, unless another one has done so. What went wrong, if anything did.
  func load(_ number: Int) -> LoadFailure? {
    let file = follower.files[number]
    if case .from = Perl.loaded(file.key) { return nil }
    let isFound = byName ? search(for: file).found != nil : findsItself(file)
    if !isFound {
      // By file, whatever @INC or the working directory are now; who asks for the key meanwhile finds it loaded.
      file.key.withCString { key in
        file.path.withCString { cp_inc_set(key, file.key.utf8.count, $0, file.path.utf8.count) }
      }
    }
    let before = SourceFiles.fingerprint(of: file.path, previous: file.fingerprint).fingerprint
    let words = [file.package ?? package(of: number), file.isDo ? "do" : "require", isFound ? file.key : file.path]
    switch Perl.call(method: "_load", of: "Nacre::Patching", words) {
    case .returned:
      if !isFound { follower.takeOver(number, from: file.path) }
      // Saved once more while it was being loaded: perl may have read either.
      let after = follower.files[number]
      if let before, let now = after.fingerprint, after.path == file.path, !now.sameContent(as: before) {
        follower.setFingerprint(Fingerprint.none, of: number)
      }
      return nil
    case .died(let error):
      // The last line names the statement that Nacre has asked for the file with.
      let lines = error.text.split(separator: "\n").filter {
        !$0.hasPrefix("Compilation failed in require at (eval ") || $0 == error.text
      }
      return LoadFailure(perlSays: lines.joined(separator: "\n") + "\n")
    case .exited(let status):
      return LoadFailure(cause: .exited, file: file.path, message: "exit(\(status)) was called", status: status)
    }
  }

  private func search(for file: SourceRecord) -> RequireSearch {
    RequireSearch(of: file.key, in: Perl.includeDirectories(), relativeTo: WorkingDirectory.path)
  }

  /// Whether perl's own search finds this file for its key.
  private func findsItself(_ file: SourceRecord) -> Bool {
    guard let found = search(for: file).found else { return false }
    return found == file.path || realPath(of: found) == realPath(of: file.path)
  }

  /// Where the subs of a file without `package` are, if nobody saw who asked for it.
  private func package(of number: Int) -> String { lastPackage[number] ?? "main" }

  /// Brings what the load has made to where the old things were. The files that hold something that has changed; -1
  /// stands for the main program.
  func settle(_ view: StashView) -> Set<Int> {
    var holders: [OpaquePointer: [Int]] = [:]
    for sub in lifted where !sub.isSettled {
      holders[cp_lifted_head(sub.number)] = []
      if let code = cp_glob_code(cp_lifted_glob(sub.number)) { holders[code] = [] }
    }
    for entry in entries { if let value = cp_constant_value(entry.value) { holders[value] = [] } }
    for sub in lifted where !sub.isSettled {
      if let value = cp_constant_value(cp_lifted_old(sub.number)) { holders[value] = [] }
    }
    for (number, slot) in view.slots.enumerated() {
      if let code = slot.code, slot.is_glob { holders[code]?.append(number) }
      // Importing a constant leaves a reference to its value (pp_hot.c, pp_sassign).
      if let value = slot.value { holders[value]?.append(number) }
    }
    var dependents: Set<Int> = []
    /// The names under which the value is known elsewhere.
    func aliases(of constant: OpaquePointer) -> [String] {
      (cp_constant_value(constant).flatMap { holders[$0] } ?? []).map { number in
        let slot = view.slots[number]
        if let owner = view.owners[Int(slot.stash)] { dependents.insert(owner) }
        return view.fullName(slot)
      }
    }
    func put(_ code: OpaquePointer, whereNowIs now: OpaquePointer, except glob: OpaquePointer) {
      for number in holders[now] ?? [] where view.slots[number].entry != glob {
        cp_put_code(view.slots[number].entry, code)
      }
    }
    func relink(_ code: OpaquePointer, to other: OpaquePointer?, except glob: OpaquePointer) {
      for number in holders[code] ?? [] where view.slots[number].entry != glob {
        cp_patch_set_code(view.slots[number].entry, other)
      }
    }
    var changed: Set<String> = []
    for index in lifted.indices where !lifted[index].isSettled {
      lifted[index].isSettled = true
      let sub = lifted[index]
      let (glob, head) = (cp_lifted_glob(sub.number), cp_lifted_head(sub.number))
      var names = [sub.name] + (holders[head] ?? []).map { view.fullName(view.slots[$0]) }
      switch cp_lifted_state_of(sub.number) {
      case CP_LIFTED_OTHER:
        let code = cp_glob_code(glob)!
        names += (holders[code] ?? []).map { view.fullName(view.slots[$0]) }
        if cp_is_foreign(code, glob) || cp_has_body(head) {
          relink(head, to: code, except: glob)
        } else {
          put(head, whereNowIs: code, except: glob)
          if cp_reference_count(code) == 1 {
            cp_lifted_adopt(sub.number)
          } else {
            put(code, whereNowIs: code, except: glob)
            relink(head, to: code, except: glob)
          }
        }
      case CP_LIFTED_REMOVED where sub.end == .comesBack:
        cp_lifted_put_back(sub.number)
        continue
      case CP_LIFTED_REMOVED:
        relink(head, to: nil, except: glob)
      default: break
      }
      if isConstantWithNewValue(sub) { report.constants.append(sub.name) }
      if changesInterface(sub) { changed.formUnion(names + aliases(of: cp_lifted_old(sub.number))) }
    }
    for slot in taken where cp_glob_code(slot.glob) == nil && !slot.goes { cp_patch_set_code(slot.glob, slot.code) }
    taken = []
    for entry in changedEntries(view) {
      if view.slots.contains(where: { $0.is_constant && view.fullName($0) == entry.name }) {
        report.constants.append(entry.name)
      }
      changed.formUnion([entry.name] + aliases(of: entry.value))
    }
    changed.formUnion(newNames(view))
    return changed.reduce(into: dependents) { $0.formUnion(mentions(of: $1)) }
  }

  /// Whether code that was compiled against the old sub differs from code that is compiled against the new one.
  private func changesInterface(_ sub: Lifted) -> Bool {
    let old = cp_lifted_old(sub.number)
    let new = cp_glob_code(cp_lifted_glob(sub.number))
    guard sub.end != .isDeclared else {
      return new.map { cp_is_constant($0) || cp_prototype($0) != nil } ?? false
    }
    guard let new else { return cp_is_constant(old) || cp_prototype(old) != nil }
    if cp_is_constant(old) != cp_is_constant(new) { return true }
    if cp_is_constant(old) { return !cp_same_constant(old, new) }
    return prototype(old) != prototype(new)
  }

  private func isConstantWithNewValue(_ sub: Lifted) -> Bool {
    let old = cp_lifted_old(sub.number)
    guard sub.end != .isDeclared, cp_is_constant(old), let new = cp_glob_code(cp_lifted_glob(sub.number)) else {
      return false
    }
    return cp_is_constant(new) && !cp_same_constant(old, new)
  }

  private func prototype(_ code: OpaquePointer) -> String? { cp_prototype(code).map { String(cString: $0) } }

  /// The constants without a glob that differ now.
  private func changedEntries(_ view: StashView) -> [Entry] {
    var old: [String: Entry] = [:]
    for index in entries.indices where !entries[index].isSettled {
      entries[index].isSettled = true
      old[entries[index].name] = entries[index]
    }
    guard !old.isEmpty else { return [] }
    for slot in view.slots where slot.is_constant {
      let name = view.fullName(slot)
      if let entry = old[name], cp_same_constant(entry.value, slot.code ?? slot.entry) { old[name] = nil }
    }
    return Array(old.values)
  }

  /// The subs with a prototype and the constants that were not there before.
  private func newNames(_ view: StashView) -> Set<String> {
    let known = Set(lifted.map(\.name)).union(entries.map(\.name))
    var names: Set<String> = []
    for stash in view.stashes.indices {
      guard view.owners[stash].map(isStaged) ?? true else { continue }
      for number in view.slots(of: stash) {
        let slot = view.slots[number]
        guard slot.is_constant || slot.code.map({ cp_prototype($0) != nil }) ?? false else { continue }
        guard view.owners[stash] != nil || view.compilers[number].map(isStaged) ?? false else { continue }
        let name = view.fullName(slot)
        if !known.contains(name), !slot.is_foreign, !isOld(slot, view) { names.insert(name) }
      }
    }
    return names
  }

  /// Who has everything that a package exported by default gets what it exports now.
  func importAgain() {
    let changed = exports.filter { !$0.value.isEmpty && Patcher.ask("_exports", $0.key) != $0.value }
    guard !changed.isEmpty else { return }
    let view = StashView(follower)
    for (package, before) in changed {
      guard let home = view.names.firstIndex(of: package) else { continue }
      let subs = Set(view.slots(of: home).compactMap { view.slots[$0].is_own ? view.slots[$0].code : nil })
      let holders = view.stashes.indices.filter { stash in
        stash != home && !(view.owners[stash].map(isStaged) ?? false)
          && view.slots(of: stash).contains { view.slots[$0].code.map(subs.contains) ?? false }
      }
      for holder in holders {
        guard
          case .returned(let names) = Perl.call(
            method: "_import_again", of: "Nacre::Patching", [package, before, view.names[holder]])
        else { continue }
        let gone = Set(names.text.split(separator: "\u{1}").map(String.init))
        for slot in view.slots(of: holder) where view.slots[slot].is_glob && gone.contains(view.name(view.slots[slot]))
        {
          cp_patch_set_code(view.slots[slot].entry, nil)
        }
        if let owner = view.owners[holder] { follower.noteImports(of: owner) }
      }
    }
  }

  private func mentions(of name: String) -> Set<Int> {
    var files: Set<Int> = []
    withUnsafeMutablePointer(to: &files) { list in
      name.withCString {
        cp_each_mention($0, name.utf8.count, list) { context, file in
          context!.assumingMemoryBound(to: Set<Int>.self).pointee.insert(Int(file))
        }
      }
    }
    return files
  }
}
