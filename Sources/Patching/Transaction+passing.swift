import CPerl
import PerlRuntime

// What files have from others and pass on: who has it from them.
extension Transaction {
  /// What a file had from another one before, and has from elsewhere now, or has no more.
  struct Passed {
    /// The sub, the value of the constant.
    var values: [OpaquePointer]
    var file: Int
    /// Whether only those can have it who ask for that file themselves.
    var isDirect: Bool
  }

  /// What a package lets others import.
  enum Offer {
    case these(Set<Substring>)
    /// What its import method gives.
    case anything

    init(_ names: String) { self = names == "*" ? .anything : .these(Set(names.split(separator: "\u{1}"))) }
  }

  /// Nil if nobody can have it from that package.
  func passed(_ values: [OpaquePointer], as fullName: String) -> Passed? {
    guard let end = fullName.lastIndex(of: ":"), let file = owner(of: fullName) else { return nil }
    switch offers[String(fullName[..<end].dropLast())] {
    case .anything: return Passed(values: values, file: file, isDirect: true)
    case .these(let names) where names.contains(fullName[end...].dropFirst()):
      return Passed(values: values, file: file, isDirect: false)
    case .these, nil: return nil
    }
  }

  /// The files that have these things from those that have passed them on.
  func heirs(of passed: [Passed]) -> Set<Int> {
    if passed.isEmpty { return [] }
    let holders = table.holders(of: passed.flatMap(\.values))
    var heirs: Set<Int> = []
    for thing in passed {
      for slot in thing.values.flatMap({ holders[$0] ?? [] }) where !slot.is_own {
        guard let owner = table.owners[Int(slot.stash)], owner != thing.file, reaches(thing, from: owner) else {
          continue
        }
        // It may have been brought to where the old one was.
        if slot.is_glob, let code = slot.code, cp_glob_code(slot.entry) != code { continue }
        if note(owner, outdatedBy: thing.file) || !staged.contains(owner) { heirs.insert(owner) }
      }
    }
    return heirs
  }

  /// Notes a file that this patch has loaded before the one whose things it holds. False for others.
  @discardableResult func note(_ file: Int, outdatedBy source: Int?) -> Bool {
    guard staged.contains(file), let source, let last = turns[source], turns[file] ?? last < last else { return false }
    outdated.insert(file)
    return true
  }

  /// The file of the package that a full name is in.
  func owner(of name: String) -> Int? {
    let parts = name.split(separator: ":", omittingEmptySubsequences: true).dropLast()
    return table.stash(named: parts.joined(separator: "::")).flatMap { table.owners[$0] }
  }

  /// Whether the load of a file asks for another one, by others of the project as well. What nobody has seen may.
  private func reaches(_ thing: Passed, from file: Int) -> Bool {
    var seen: Set<Int> = [file]
    var left = [file]
    while let next = left.popLast() {
      guard let uses = follower.files[next].uses, !uses.contains(thing.file) else { return true }
      if thing.isDirect { return false }
      left += uses.subtracting(seen).filter(follower.isWatched)
      seen.formUnion(uses)
    }
    return false
  }

  /// The constants without a glob that differ now; and those that are the same but come from elsewhere.
  func changedEntries() -> (changed: [Entry], passed: [Passed]) {
    var old: [String: Entry] = [:]
    for index in entries.indices where !entries[index].isSettled {
      entries[index].isSettled = true
      old[entries[index].name] = entries[index]
    }
    guard !old.isEmpty else { return ([], []) }
    var same: [(slot: cp_slot, entry: Entry)] = []
    for stash in table.changed {
      for slot in table.slots(of: stash) where slot.is_constant {
        guard let entry = old[table.fullName(slot)], cp_same_constant(entry.value, slot.code ?? slot.entry) else {
          continue
        }
        old[entry.name] = nil
        same.append((slot, entry))
      }
    }
    return (Array(old.values), keepValues(of: same))
  }

  /// Constants that are what they were. Who has imported one has the value itself, so it is put back, unless somebody else
  /// has the new one, whom it comes from now.
  private func keepValues(of same: [(slot: cp_slot, entry: Entry)]) -> [Passed] {
    let before = Dictionary(same.map { ($0.entry.name, cp_constant_value($0.entry.value)) }) { first, _ in first }
    let holders = table.holders(of: same.compactMap { $0.slot.value == before[$0.entry.name] ? nil : $0.slot.value })
    var passed: [Passed] = []
    for (slot, entry) in same {
      guard let value = cp_constant_value(entry.value), let now = slot.value, now != value else { continue }
      let isOfOthers = (holders[now] ?? []).contains { before[table.fullName($0)] != value }
      if !slot.is_glob && !isOfOthers {
        cp_put_entry(table.stashes[Int(slot.stash)].stash, slot.name, slot.name_count, entry.value)
      } else if let thing = self.passed([value], as: entry.name) {
        passed.append(thing)
      }
    }
    return passed
  }
}
