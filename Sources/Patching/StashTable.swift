import CPerl
import PerlRuntime

/// What stands in the stashes, and which file it belongs to. Kept from one scan to the next; what a scan gives holds until
/// the next one, as far as Perl code that ran meanwhile has not changed it.
final class StashTable {
  private let follower: LoadFollower
  private(set) var stashes = UnsafeBufferPointer<cp_stash>(start: nil, count: 0)
  /// The file that each package belongs to alone; nil for those of several or of none.
  private(set) var owners: [Int?] = []
  private var known: [Package] = []
  /// How many files were known when one was looked for by the name of each package.
  private var filesSearched = 0
  /// The files by the scan's numbers, of which this many have been met; -1: not known.
  private var files: [Int] = []
  private var fileNumbers = 0
  private var filesVersion = -1
  /// The names that stashes had when the patch began, of those that somebody has asked for.
  private var oldNames: [Int: Set<SlotName>] = [:]

  /// A name, by perl's shared string.
  private struct SlotName: Hashable {
    var name: UnsafePointer<CChar>
    var hash: UInt32
    init(_ slot: cp_slot) { (name, hash) = (slot.name, slot.name_hash) }
  }

  /// What is remembered of a stash.
  private struct Package {
    /// How often the stash had been scanned.
    var serial: UInt32
    let name: String
    /// The key of a file of its name.
    let key: String
    var ownFile: Int?
    /// The files that have compiled subs that stand here, those of them whose subs are named so, those that named globs, and
    /// `@ISA`, first: numbers of the scan, each once.
    var compilers: [Int32] = []
    var makers: [Int32] = []
    var globFiles: [Int32] = []
    /// The string evals of the same: of all subs, of those that are named so.
    var hasEvals = false
    var makingEvals: [UInt32] = []
  }

  init(_ follower: LoadFollower) { self.follower = follower }

  /// Looks at what has changed.
  func refresh() {
    let scan = cp_scan_stashes()
    let stashes = UnsafeBufferPointer(start: scan.stashes, count: Int(scan.stash_count))
    self.stashes = stashes
    for number in stashes.indices where number >= known.count || known[number].serial != stashes[number].serial {
      learn(number)
    }
    findOwnFiles()
    resolveFiles()
    let (known, records) = (self.known, follower.files)
    var owners = [Int?](repeating: nil, count: stashes.count)
    // The first one is main.
    for number in stashes.indices.dropFirst() where stashes[number].is_live {
      if let own = known[number].ownFile, records[own].isLoaded {
        owners[number] = own
      } else {
        owners[number] = owner(of: number)
      }
    }
    self.owners = owners
  }

  /// Looks at what has changed, and at these stashes in any case.
  func refresh(certainly numbers: some Sequence<Int>) {
    for number in numbers { cp_scan_doubt(UInt32(number)) }
    refresh()
  }

  /// Looks at these stashes again; no Perl code has run since the last time.
  func lookAgain(at numbers: [Int]) {
    for number in numbers {
      let scan = cp_scan_again(UInt32(number))
      stashes = UnsafeBufferPointer(start: scan.stashes, count: Int(scan.stash_count))
      learn(number)
    }
    resolveFiles()
    for number in numbers { owners[number] = number == 0 ? nil : owner(of: number) }
  }

  private func learn(_ number: Int) {
    let stash = stashes[number]
    if number >= known.count {
      let name = text(stash.name, stash.name_count)
      let key = name.split(separator: ":", omittingEmptySubsequences: true).joined(separator: "/") + ".pm"
      known.append(Package(serial: 0, name: name, key: key, ownFile: follower.numbers[key]))
    }
    var package = Package(serial: stash.serial, name: known[number].name, key: known[number].key)
    package.ownFile = known[number].ownFile
    for slot in slots(of: number) {
      fileNumbers = max(fileNumbers, Int(max(slot.glob_file, slot.code_file)) + 1)
      if slot.glob_file >= 0 {
        package.globFiles.add(slot.glob_file)
        if slot.name_count == 3, slot.name[0] == 73, slot.name[1] == 83, slot.name[2] == 65 {
          package.makers.add(slot.glob_file)
        }
      }
      guard slot.code != nil else { continue }
      if slot.code_file >= 0 {
        package.compilers.add(slot.code_file)
        if slot.is_own { package.makers.add(slot.code_file) }
      } else if slot.code_file == -2 {
        package.hasEvals = true
        if slot.is_own { package.makingEvals.append(slot.code_eval) }
      }
    }
    known[number] = package
  }

  /// A file of a package's name may have come.
  private func findOwnFiles() {
    guard filesSearched != follower.files.count else { return }
    filesSearched = follower.files.count
    for number in known.indices where known[number].ownFile == nil {
      known[number].ownFile = follower.numbers[known[number].key]
    }
  }

  private func owner(of number: Int) -> Int? {
    guard stashes[number].is_live else { return nil }
    if let own = known[number].ownFile, follower.files[own].isLoaded { return own }
    // A package without a file of its own is that of the one file that has compiled subs or named @ISA there.
    var owner: Int?
    for maker in known[number].makers.lazy.compactMap({ self.file($0) }) {
      if owner ?? maker != maker { return nil }
      owner = maker
    }
    for maker in known[number].makingEvals.lazy.compactMap({ self.follower.evals.owner(of: $0) }) {
      if owner ?? maker != maker { return nil }
      owner = maker
    }
    return owner
  }

  /// Finds out which files the scan's numbers stand for.
  private func resolveFiles() {
    if filesVersion != follower.namesVersion {
      files = []
      filesVersion = follower.namesVersion
    }
    while files.count < fileNumbers {
      files.append(follower.byName[String(cString: cp_file_name(Int32(files.count)))] ?? -1)
    }
  }

  private func file(_ number: Int32) -> Int? {
    if number < 0 { return nil }
    if filesVersion != follower.namesVersion || files.count <= Int(number) {
      fileNumbers = max(fileNumbers, Int(number) + 1)
      resolveFiles()
    }
    return files[Int(number)] < 0 ? nil : files[Int(number)]
  }
}

extension [Int32] {
  /// Neighbours come from the same file, mostly.
  fileprivate mutating func add(_ number: Int32) {
    if last != number, !contains(number) { append(number) }
  }
}

extension StashTable {
  /// The packages that are there.
  var live: some Sequence<Int> { stashes.indices.lazy.filter { [stashes] in stashes[$0].is_live } }

  /// The packages in which something is, or was when the patch began, that is not as it was then.
  var changed: some Sequence<Int> { live.filter { [stashes] in stashes[$0].slots != stashes[$0].before } }

  func slots(of stash: Int) -> UnsafeBufferPointer<cp_slot> {
    UnsafeBufferPointer(start: stashes[stash].slots, count: Int(stashes[stash].count))
  }

  /// The name of a package.
  func name(of stash: Int) -> String { known[stash].name }

  func name(_ slot: cp_slot) -> String { text(slot.name, Int(slot.name_count)) }

  func fullName(_ slot: cp_slot) -> String { known[Int(slot.stash)].name + "::" + name(slot) }

  /// The file of a package's name, loaded or not.
  func namesake(of stash: Int) -> Int? { follower.numbers[known[stash].key] }

  /// The package of this name, if it is there.
  func stash(named name: String) -> Int? { known.indices.first { known[$0].name == name && stashes[$0].is_live } }

  /// The file that compiled the sub of a slot; nil for what no known file has compiled.
  func compiler(_ slot: cp_slot) -> Int? {
    if slot.code == nil { return nil }
    guard slot.code_file == -2 else { return file(slot.code_file) }
    // A library may generate something of its own whenever it is used first (Sub::Defer).
    if let owner = owners[Int(slot.stash)], !follower.isWatched(owner) { return nil }
    return follower.evals.owner(of: slot.code_eval)
  }

  /// The file that a glob was first named in.
  func maker(_ slot: cp_slot) -> Int? { file(slot.glob_file) }

  /// Whether another glob is the one that names the sub, and holds it: it was imported from there.
  func isForeign(_ slot: cp_slot) -> Bool {
    slot.is_glob && slot.code.map { cp_is_foreign($0, slot.entry) } ?? false
  }

  /// The packages that belong to one of these files, or have subs or names of theirs.
  func touched(by wanted: Set<Int>) -> [Int] {
    let haveEvals = follower.evals.contains(wanted)
    var areWanted = [Bool](repeating: false, count: follower.files.count)
    for file in wanted { areWanted[file] = true }
    return packages(of: areWanted) { [known] number, isWanted in
      haveEvals && known[number].hasEvals || known[number].globFiles.contains { isWanted[Int($0)] }
    }
  }

  /// The packages in which something belongs to a file that is watched.
  func watched() -> [Int] {
    let areWatched = follower.areWatched()
    return packages(of: areWatched) { [known] number, _ in
      known[number].hasEvals && slots(of: number).contains { compiler($0).map { areWatched[$0] } ?? false }
    }
  }

  /// The packages that belong to these of the files, have subs of theirs, or something else that `orHas` sees, who is told
  /// which of the scan's files these are.
  private func packages(of areWanted: [Bool], orHas: (_ stash: Int, _ isWanted: [Bool]) -> Bool) -> [Int] {
    resolveFiles()
    let (known, owners, stashes) = (self.known, self.owners, self.stashes)
    let isWanted = files.map { $0 >= 0 && areWanted[$0] }
    return stashes.indices.filter { number in
      guard stashes[number].is_live else { return false }
      if let owner = owners[number], areWanted[owner] { return true }
      return known[number].compilers.contains { isWanted[Int($0)] } || orHas(number, isWanted)
    }
  }

  /// Whether the name was there when the patch began.
  func isOld(_ slot: cp_slot) -> Bool {
    let stash = stashes[Int(slot.stash)]
    if stash.slots == stash.before { return true }
    let names =
      oldNames[Int(slot.stash)]
      ?? Set(UnsafeBufferPointer(start: stash.before, count: Int(stash.before_count)).map(SlotName.init))
    oldNames[Int(slot.stash)] = names
    return names.contains(SlotName(slot))
  }

  /// A patch begins: what stands there now is what was there before.
  func begin() {
    oldNames = [:]
    cp_patch_begin()
  }

  /// Every slot that has one of these values for its sub or for the value of its constant.
  func holders(of values: [OpaquePointer]) -> [OpaquePointer: [cp_slot]] {
    var holders: [OpaquePointer: [cp_slot]] = [:]
    withUnsafeMutablePointer(to: &holders) { found in
      cp_each_holder(values, values.count, found) { context, value, slot in
        context!.assumingMemoryBound(to: [OpaquePointer: [cp_slot]].self).pointee[value, default: []].append(
          slot.pointee)
      }
    }
    return holders
  }

  /// The globs that a file names outside of its subs, in full: what its load assigns to in other packages.
  static func namedGlobs(of file: Int) -> Set<String> {
    var names: Set<String> = []
    withUnsafeMutablePointer(to: &names) { list in
      cp_each_named_glob(Int32(file), list) { context, name, count in
        context!.assumingMemoryBound(to: Set<String>.self).pointee.insert(text(name, count))
      }
    }
    return names
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

/// Bytes of perl as a string.
func text(_ bytes: UnsafePointer<CChar>, _ count: Int) -> String {
  String(decoding: UnsafeRawBufferPointer(start: bytes, count: count), as: UTF8.self)
}
