import CPerl
import PerlRuntime
import ReloadModel
import SourceFiles

// Taking out what belongs to the files.
extension Transaction {
  /// Takes out what belongs to these files. False if something speaks against it.
  func stage(_ files: Set<Int>, _ view: StashView) -> Bool {
    staged.formUnion(files)
    guard maySpare(files, view), callHooks("_before", files) else { return false }
    for (name, file) in graves where files.contains(file) {
      var glob: OpaquePointer?
      guard let head = name.withCString({ cp_grave_head($0, name.utf8.count, &glob) }), let glob,
        cp_glob_code(glob) == nil
      else { continue }
      lifted.append(Lifted(number: cp_patch_declare(glob, head), name: name, end: .isDeclared))
    }
    for stash in view.stashes.indices {
      let isOwner = view.owners[stash].map(files.contains) ?? false
      let range = view.slots(of: stash)
      if isOwner {
        exports[view.names[stash]] = exports[view.names[stash]] ?? Patcher.ask("_exports", view.names[stash])
        for slot in range { empty(slot, view, of: view.owners[stash]!) }
        cp_methods_changed(view.stashes[stash].stash)
        clearInterface(view.names[stash])
      } else {
        for slot in range { spare(slot, view, files) }
      }
    }
    for file in files { unload(file) }
    return true
  }

  /// Whether nothing speaks against loading these files again.
  private func maySpare(_ files: Set<Int>, _ view: StashView) -> Bool {
    var waiting: Set<Int> = files.filter(follower.isOpen)
    for (number, slot) in view.slots.enumerated() where slot.is_running {
      if let file = view.compilers[number], files.contains(file) { waiting.insert(file) }
    }
    report.waiting = waiting.map { follower.files[$0].key }.sorted()
    for file in files.sorted() where follower.files[file].path.hasSuffix(".psgi") {
      refuse(follower.files[file].key, "the server holds the application that it has made: restart the server")
    }
    for stash in view.stashes.indices {
      guard let file = view.owners[stash], files.contains(file) else { continue }
      let reason = Patcher.ask("_objection", view.names[stash])
      if !reason.isEmpty { refuse(follower.files[file].key, reason) }
    }
    return report.waiting.isEmpty && report.refusals.isEmpty
  }

  /// In a package that belongs to the file alone.
  private func empty(_ number: Int, _ view: StashView, of file: Int) {
    let slot = view.slots[number]
    guard slot.is_glob else {
      if let code = slot.code {
        guard slot.has_body, view.compilers[number] == file else { return }
        lift(cp_make_glob(code), view.fullName(slot), .goes)
      } else if slot.is_constant {
        cp_retain(slot.entry)
        entries.append(Entry(name: view.fullName(slot), value: slot.entry))
        cp_patch_lift_entry(view.stashes[Int(slot.stash)].stash, slot.name, slot.name_count)
      }
      return
    }
    cp_patch_save_variables(slot.entry)
    cp_patch_lift_format(slot.entry)
    let name = view.name(slot)
    if name == "DATA" { cp_patch_lift_handle(slot.entry) }
    if ["ISA", "EXPORT", "EXPORT_OK", "EXPORT_TAGS", "EXPORT_FAIL", "FIELDS"].contains(name) {
      cp_patch_clear_lists(slot.entry)
    }
    guard let code = slot.code, slot.has_body else { return }
    let compiler = view.compilers[number]
    if slot.is_foreign || name.hasPrefix("(") {
      taken.append(
        Taken(
          glob: slot.entry, code: code, goes: name.hasPrefix("(") || follower.files[file].imports.contains(name)))
      cp_patch_set_code(slot.entry, nil)
      return
    }
    // Another file of the project has put it here: it stays that file's.
    let isForeign = compiler.map { $0 != file && follower.isWatched($0) } ?? false
    if isForeign && slot.is_own { return }
    // What a string eval has made may be a wrapper around the file's own sub (Class::Method::Modifiers): if perl compiled
    // that into the wrapper's head, it would wrap itself.
    lift(slot.entry, view.fullName(slot), isForeign ? .comesBack : .goes, stays: slot.is_own && slot.code_file != -2)
  }

  /// In a package that does not belong to the files alone.
  private func spare(_ number: Int, _ view: StashView, _ files: Set<Int>) {
    let slot = view.slots[number]
    if slot.is_glob, let maker = view.maker(slot, follower), files.contains(maker), view.owners[Int(slot.stash)] == nil
    {
      cp_patch_save_variables(slot.entry)
      cp_patch_lift_format(slot.entry)
    }
    guard let code = slot.code, slot.has_body, let compiler = view.compilers[number], files.contains(compiler),
      !slot.is_foreign
    else { return }
    if slot.is_own, lastPackage[compiler] == nil { lastPackage[compiler] = view.names[Int(slot.stash)] }
    if !slot.is_glob {
      lift(cp_make_glob(code), view.fullName(slot), .goes)
    } else {
      lift(slot.entry, view.fullName(slot), slot.is_own ? .goes : .comesBack)
    }
  }

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
  func generated(by files: Set<Int>, _ view: StashView) -> Set<Int> {
    var holders: Set<Int> = []
    for (number, slot) in view.slots.enumerated() where slot.is_anonymous && !slot.is_own {
      guard let compiler = view.compilers[number], files.contains(compiler),
        let owner = view.owners[Int(slot.stash)], owner != compiler, follower.isWatched(owner)
      else { continue }
      holders.insert(owner)
    }
    return holders
  }

  /// So that a failed load, which may put subs anywhere in the project's packages, can be taken back.
  func saveCode(_ view: StashView) {
    for stash in view.stashes.indices {
      let range = view.slots(of: stash)
      let isOurs =
        view.owners[stash].map(follower.isWatched) ?? false
        || range.contains { view.compilers[$0].map(follower.isWatched) ?? false }
      guard isOurs else { continue }
      for slot in range where view.slots[slot].is_glob { cp_patch_save_code(view.slots[slot].entry) }
    }
  }

  private func unload(_ file: Int) {
    let key = follower.files[file].key
    key.withCString { cp_inc_delete($0, key.utf8.count) }
  }
}
