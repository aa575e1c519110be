/// A list of slots, each at most once, in which adding and removing costs the same anywhere. Its memory is allocated
/// once for all slots.
struct SlotList {
  private static let absent: Int32 = -2
  private static let none: Int32 = -1
  /// By slot: the neighbours; `absent` in `next` for a slot that is not in the list.
  private var next: [Int32]
  private var previous: [Int32]
  private var head = SlotList.none
  private var tail = SlotList.none
  private(set) var count = 0

  init(slotCount: Int) {
    next = Array(repeating: Self.absent, count: slotCount)
    previous = Array(repeating: Self.absent, count: slotCount)
  }

  var isEmpty: Bool { count == 0 }
  var first: Int? { head < 0 ? nil : Int(head) }
  var last: Int? { tail < 0 ? nil : Int(tail) }
  func contains(_ slot: Int) -> Bool { next[slot] != Self.absent }
  func slot(after slot: Int) -> Int? { next[slot] < 0 ? nil : Int(next[slot]) }
  func slot(before slot: Int) -> Int? { previous[slot] < 0 ? nil : Int(previous[slot]) }

  mutating func append(_ slot: Int) {
    precondition(!contains(slot))
    next[slot] = Self.none
    previous[slot] = tail
    if tail >= 0 { next[Int(tail)] = Int32(slot) } else { head = Int32(slot) }
    tail = Int32(slot)
    count += 1
  }

  mutating func prepend(_ slot: Int) {
    precondition(!contains(slot))
    previous[slot] = Self.none
    next[slot] = head
    if head >= 0 { previous[Int(head)] = Int32(slot) } else { tail = Int32(slot) }
    head = Int32(slot)
    count += 1
  }

  /// Removes a slot; false if it was not there.
  @discardableResult
  mutating func remove(_ slot: Int) -> Bool {
    guard contains(slot) else { return false }
    let (before, after) = (previous[slot], next[slot])
    if before >= 0 { next[Int(before)] = after } else { head = after }
    if after >= 0 { previous[Int(after)] = before } else { tail = before }
    next[slot] = Self.absent
    previous[slot] = Self.absent
    count -= 1
    return true
  }
}
