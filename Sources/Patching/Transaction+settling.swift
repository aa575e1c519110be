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
        follower.files[number].fingerprint = Fingerprint.none
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

  func search(for file: SourceRecord) -> RequireSearch {
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
  func settle() -> Set<Int> {
    let holders = table.holders(of: movedValues())
    for slots in holders.values { doubtful.formUnion(slots.map { Int($0.stash) }) }
    var dependents: Set<Int> = []
    // Before a sub is moved: those that the scan has found may go then.
    let (entries, equal) = changedEntries()
    var changed = newNames()
    for index in lifted.indices where !lifted[index].isSettled {
      lifted[index].isSettled = true
      let sub = lifted[index]
      guard let names = land(sub, holders) else { continue }
      if isConstantWithNewValue(sub) { report.constants.append(sub.name) }
      guard changesInterface(sub) else { continue }
      let source = owner(of: sub.name)
      for case let file? in (holders[cp_lifted_head(sub.number)] ?? []).map({ table.owners[Int($0.stash)] })
      where note(file, outdatedBy: source) { dependents.insert(file) }
      changed.formUnion(names)
      changed.formUnion(aliases(of: cp_constant_value(cp_lifted_old(sub.number)), from: source, holders, &dependents))
    }
    for entry in entries {
      if isConstant(entry.name) { report.constants.append(entry.name) }
      changed.insert(entry.name)
      changed.formUnion(
        aliases(of: cp_constant_value(entry.value), from: owner(of: entry.name), holders, &dependents))
    }
    dependents.formUnion(heirs(of: equal + passedOn()))
    return changed.reduce(into: dependents) { $0.formUnion(mentions(of: $1)) }
  }

  /// The names under which the value of a constant is known elsewhere; who has it there is a dependent.
  private func aliases(
    of value: OpaquePointer?, from source: Int?, _ holders: Holders, _ dependents: inout Set<Int>
  ) -> [String] {
    (value.flatMap { holders[$0] } ?? []).map { slot in
      if let owner = table.owners[Int(slot.stash)] {
        dependents.insert(owner)
        note(owner, outdatedBy: source)
      }
      return table.fullName(slot)
    }
  }

  /// The imports that come from elsewhere now, or not at all. What others have put there comes back.
  private func passedOn() -> [Passed] {
    for slot in taken where cp_glob_code(slot.glob) == nil && !slot.goes { cp_patch_set_code(slot.glob, slot.code) }
    defer { taken = [] }
    return taken.compactMap { slot in
      guard let name = slot.name, cp_glob_code(slot.glob) != slot.code else { return nil }
      return passed([slot.code, cp_constant_value(slot.code)].compactMap { $0 }, as: name)
    }
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

  /// Whether there is a constant of this name among those that have changed.
  private func isConstant(_ name: String) -> Bool {
    table.changed.contains { table.slots(of: $0).contains { $0.is_constant && table.fullName($0) == name } }
  }

  private func isConstantWithNewValue(_ sub: Lifted) -> Bool {
    let old = cp_lifted_old(sub.number)
    guard sub.end != .isDeclared, cp_is_constant(old), let new = cp_glob_code(cp_lifted_glob(sub.number)) else {
      return false
    }
    return cp_is_constant(new) && !cp_same_constant(old, new)
  }

  private func prototype(_ code: OpaquePointer) -> String? { cp_prototype(code).map { String(cString: $0) } }

  /// The heads, and the values of constants, that were taken out or have come since.
  private func movedValues() -> [OpaquePointer] {
    var values = entries.compactMap { cp_constant_value($0.value) }
    for sub in lifted where !sub.isSettled {
      values.append(cp_lifted_head(sub.number))
      if let code = cp_glob_code(cp_lifted_glob(sub.number)) { values.append(code) }
      if let value = cp_constant_value(cp_lifted_old(sub.number)) { values.append(value) }
    }
    return values
  }

  /// The subs with a prototype and the constants that were not there before.
  private func newNames() -> Set<String> {
    let known = Set(lifted.map(\.name)).union(entries.map(\.name))
    var names: Set<String> = []
    for stash in table.changed where table.owners[stash].map(isStaged) ?? true {
      for slot in table.slots(of: stash) {
        guard slot.is_constant || slot.code.map({ cp_prototype($0) != nil }) ?? false else { continue }
        guard table.owners[stash] != nil || table.compiler(slot).map(isStaged) ?? false else { continue }
        let name = table.fullName(slot)
        if !known.contains(name), !table.isForeign(slot), !table.isOld(slot) { names.insert(name) }
      }
    }
    return names
  }

  /// Who has everything that a package exported by default gets what it exports now.
  func importAgain() {
    let changed = exports.filter { !$0.value.isEmpty && Patcher.ask("_exports", $0.key) != $0.value }
    for (package, before) in changed {
      table.refresh()
      guard let home = table.stash(named: package) else { continue }
      let subs = table.slots(of: home).compactMap { $0.is_own ? $0.code : nil }
      let holders = Set(table.holders(of: subs).values.joined().map { Int($0.stash) }).filter {
        $0 != home && !(table.owners[$0].map(isStaged) ?? false)
      }
      for holder in holders.sorted() { importAgain(package, before, into: holder) }
    }
  }

  private func importAgain(_ package: String, _ before: String, into holder: Int) {
    let owner = table.owners[holder]
    let known = owner.map(follower.imports) ?? []
    guard
      case .returned(let names) = Perl.call(
        method: "_import_again", of: "Nacre::Patching", [package, before, table.name(of: holder)])
    else { return }
    let gone = Set(names.text.split(separator: "\u{1}").map(String.init))
    table.refresh()
    for slot in table.slots(of: holder) where slot.is_glob && gone.contains(table.name(slot)) {
      cp_patch_set_code(slot.entry, nil)
    }
    doubtful.insert(holder)
    if let owner { follower.files[owner].imports.formUnion(follower.imports(of: owner).subtracting(known)) }
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
