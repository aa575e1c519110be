import CPerl
import PerlRuntime
import ReloadModel
import SourceFiles

// Taking out what belongs to the files.
extension Transaction {
  /// Takes out what belongs to these files; `touched` are the packages that have something of theirs. False if something speaks against it.
  func stage(_ files: Set<Int>, _ touched: [Int]) -> Bool {
    let first = files.subtracting(staged)
    staged.formUnion(files)
    var touched = touched
    table.lookAgain(at: touched)
    guard maySpare(files, touched), callHooks("_before", first) else { return false }
    for file in files.subtracting(first) { dropEndBlocks(of: file) }
    if hooksHaveRun {
      table.refresh(certainly: touched)
      touched = table.touched(by: files)
    }
    for (name, file) in graves where files.contains(file) {
      var glob: OpaquePointer?
      guard let head = name.withCString({ cp_grave_head($0, name.utf8.count, &glob) }), let glob,
        cp_glob_code(glob) == nil
      else { continue }
      lifted.append(Lifted(number: cp_patch_declare(glob, head), name: name, end: .isDeclared))
    }
    takeDown(files, touched)
    assigned = files.reduce(into: []) { $0.formUnion(StashTable.namedGlobs(of: $1)) }
    for stash in touched {
      if let owner = table.owners[stash], files.contains(owner) {
        let name = table.name(of: stash)
        exports[name] = exports[name] ?? Patcher.ask("_exports", name)
        offers[name] = offers[name] ?? Offer(Patcher.ask("_offers", name))
        for slot in table.slots(of: stash) { empty(slot, of: owner, files) }
        cp_methods_changed(table.stashes[stash].stash)
        clearInterface(name)
      } else {
        for slot in table.slots(of: stash) { spare(slot, files) }
      }
    }
    doubtful.formUnion(touched)
    for file in files { unload(file) }
    return true
  }

  /// Whether nothing speaks against loading these files again.
  private func maySpare(_ files: Set<Int>, _ touched: [Int]) -> Bool {
    var waiting: Set<Int> = files.filter(follower.isOpen)
    for stash in touched {
      for slot in table.slots(of: stash) where slot.is_running {
        if let file = table.compiler(slot), files.contains(file) { waiting.insert(file) }
      }
    }
    report.waiting = waiting.map { follower.files[$0].key }.sorted()
    for file in files.sorted() where follower.isHeld(file) {
      refuse(follower.files[file].key, "the server holds the application that it has made: restart the server")
    }
    for stash in touched {
      guard let file = table.owners[stash], files.contains(file) else { continue }
      let reason = Patcher.ask("_objection", table.name(of: stash))
      if !reason.isEmpty { refuse(follower.files[file].key, reason) }
    }
    return report.waiting.isEmpty && report.refusals.isEmpty
  }

  /// In a package that belongs to the file alone.
  private func empty(_ slot: cp_slot, of file: Int, _ files: Set<Int>) {
    guard slot.is_glob else {
      if let code = slot.code {
        guard slot.has_body, table.compiler(slot) == file else { return }
        lift(cp_make_glob(code), table.fullName(slot), .goes)
      } else if slot.is_constant {
        cp_retain(slot.entry)
        entries.append(Entry(name: table.fullName(slot), value: slot.entry))
        cp_patch_lift_entry(table.stashes[Int(slot.stash)].stash, slot.name, slot.name_count)
      }
      return
    }
    cp_patch_save_variables(slot.entry)
    cp_patch_lift_format(slot.entry)
    let name = table.name(slot)
    if name == "DATA" { cp_patch_lift_handle(slot.entry) }
    if ["ISA", "EXPORT", "EXPORT_OK", "EXPORT_TAGS", "EXPORT_FAIL", "FIELDS"].contains(name) {
      cp_patch_clear_lists(slot.entry)
    }
    guard let code = slot.code, slot.has_body else { return }
    let compiler = table.compiler(slot)
    if table.isForeign(slot) || name.hasPrefix("(") {
      taken.append(
        Taken(
          glob: slot.entry, code: code, name: name.hasPrefix("(") ? nil : table.fullName(slot),
          goes: name.hasPrefix("(") || follower.files[file].imports.contains(name) || isAssigned(slot)))
      cp_patch_set_code(slot.entry, nil)
      return
    }
    // Another file of the project has put it here: it stays that file's.
    let isForeign = compiler.map { $0 != file && follower.isWatched($0) } ?? false
    if isForeign, slot.is_own, !(compiler.map(files.contains) ?? false) { return }
    // What a string eval has made may be a wrapper around the file's own sub (Class::Method::Modifiers): if perl compiled
    // that into the wrapper's head, it would wrap itself.
    let package = table.name(of: Int(slot.stash))
    // A framework that builds classes looks which subs there are: Moo does so before any of the file's own is compiled.
    let isGenerated =
      slot.code_file == -2 || (compiler != file && built.contains(package)) || builtByMoo.contains(package)
    let end: Lifted.End = isForeign && !slot.is_own && !isAssigned(slot) ? .comesBack : .goes
    lift(slot.entry, table.fullName(slot), end, stays: slot.is_own && !isGenerated)
  }

  /// In a package that does not belong to the files alone.
  private func spare(_ slot: cp_slot, _ files: Set<Int>) {
    if slot.is_glob, let maker = table.maker(slot), files.contains(maker) {
      // A file without `package` has its variables in the package of whoever asked for it.
      cp_patch_save_variables(slot.entry)
      if table.owners[Int(slot.stash)] == nil { cp_patch_lift_format(slot.entry) }
    }
    guard let code = slot.code, slot.has_body, let compiler = table.compiler(slot), files.contains(compiler) else {
      return
    }
    if table.isForeign(slot) {
      guard isAssigned(slot) else { return }
      taken.append(Taken(glob: slot.entry, code: code, goes: true))
      cp_patch_set_code(slot.entry, nil)
      return
    }
    if slot.is_own, lastPackage[compiler] == nil { lastPackage[compiler] = table.name(of: Int(slot.stash)) }
    if !slot.is_glob {
      lift(cp_make_glob(code), table.fullName(slot), .goes)
    } else {
      lift(slot.entry, table.fullName(slot), slot.is_own || isAssigned(slot) ? .goes : .comesBack)
    }
  }

  /// Whether one of the files has put there what stands there.
  private func isAssigned(_ slot: cp_slot) -> Bool { !assigned.isEmpty && assigned.contains(table.fullName(slot)) }

  private func lift(_ glob: OpaquePointer, _ name: String, _ end: Lifted.End, stays: Bool = true) {
    lifted.append(Lifted(number: cp_patch_lift(glob, stays), name: name, end: end))
  }

  /// What other modules keep about a package and would mistake for the new one's.
  private func clearInterface(_ package: String) {
    for hash in [
      "Exporter::Cache", "fields::attr", "base::attr", "Class::Method::Modifiers::MODIFIER_CACHE",
    ] {
      package.withCString { cp_patch_lift_element(hash, $0, package.utf8.count) }
    }
  }

  /// The files into whose packages subs were put that these files have made.
  func generated(by files: Set<Int>, _ touched: [Int]) -> Set<Int> {
    var holders: Set<Int> = []
    for stash in touched {
      guard let owner = table.owners[stash], follower.isWatched(owner) else { continue }
      for slot in table.slots(of: stash) where slot.is_anonymous && !slot.is_own {
        if let compiler = table.compiler(slot), files.contains(compiler), owner != compiler { holders.insert(owner) }
      }
    }
    return holders
  }

  /// Of a file that this patch has loaded already, and that is loaded once more.
  private func dropEndBlocks(of file: Int) {
    follower.files[file].name.withCString { cp_patch_drop_end_blocks($0, true) }
  }

  private func unload(_ file: Int) {
    let key = follower.files[file].key
    key.withCString { cp_inc_delete($0, key.utf8.count) }
  }
}
