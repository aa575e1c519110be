import CPerl
import PerlRuntime

/// What stands in the stashes at one moment, and which file it belongs to. Holds until perl runs again.
struct StashView {
  let slots: UnsafeBufferPointer<cp_slot>
  let stashes: UnsafeBufferPointer<cp_stash>
  /// The file that compiled the sub of each slot; nil for what no known file has compiled.
  let compilers: [Int?]
  /// The file that each package belongs to alone; nil for those of several or of none.
  let owners: [Int?]
  /// The names of the packages.
  let names: [String]

  init(_ follower: LoadFollower) {
    let scan = cp_scan_stashes()
    slots = UnsafeBufferPointer(start: scan.slots, count: Int(scan.slot_count))
    stashes = UnsafeBufferPointer(start: scan.stashes, count: Int(scan.stash_count))
    var known: [Int32: Int?] = [:]
    func file(_ number: Int32) -> Int? {
      if number < 0 { return nil }
      if let found = known[number] { return found }
      let found = follower.byName[String(cString: cp_file_name(number))]
      known[number] = .some(found)
      return found
    }
    compilers = slots.map { slot in
      guard slot.code != nil else { return nil }
      return slot.code_file == -2 ? follower.file(ofEval: slot.code_eval) : file(slot.code_file)
    }
    names = stashes.map { text($0.name, $0.name_count) }
    var owners = [Int?](repeating: nil, count: stashes.count)
    for (index, stash) in stashes.enumerated() where names[index] != "main" {
      let key = names[index].split(separator: ":", omittingEmptySubsequences: true).joined(separator: "/") + ".pm"
      if let own = follower.numbers[key], follower.files[own].isLoaded {
        owners[index] = own
        continue
      }
      // A package without a file of its own is that of the one file that has compiled subs or named @ISA there.
      var makers: Set<Int> = []
      for number in Int(stash.first)..<Int(stash.end) {
        let slot = slots[number]
        if slot.is_own, let compiler = compilers[number] { makers.insert(compiler) }
        if slot.name_count == 3, slot.name[0] == 73, slot.name[1] == 83, slot.name[2] == 65,
          let maker = file(slot.glob_file)
        {
          makers.insert(maker)
        }
      }
      if makers.count == 1 { owners[index] = makers.first }
    }
    self.owners = owners
  }

  func name(_ slot: cp_slot) -> String { text(slot.name, Int(slot.name_count)) }

  func fullName(_ slot: cp_slot) -> String { names[Int(slot.stash)] + "::" + name(slot) }

  func slots(of stash: Int) -> Range<Int> { Int(stashes[stash].first)..<Int(stashes[stash].end) }

  /// The file that a glob was first named in.
  func maker(_ slot: cp_slot, _ follower: LoadFollower) -> Int? {
    slot.glob_file < 0 ? nil : follower.byName[String(cString: cp_file_name(slot.glob_file))]
  }

  /// The subs that a package has from other packages.
  static func imports(of package: String) -> Set<String> {
    var names: Set<String> = []
    withUnsafeMutablePointer(to: &names) { list in
      cp_each_import(package, list) { context, name, count in
        context!.assumingMemoryBound(to: Set<String>.self).pointee.insert(text(name, count))
      }
    }
    return names
  }
}
