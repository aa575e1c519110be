/// Follows a load in a ``PreloadOrder``: which preloaded file brought which others in, and whether the application then
/// asks for them as it did when the order was learned.
///
/// A file of the order makes a group with all that its load has brought in. In its natural order the load of a group
/// would happen when the application asks for the first time for any of its files: that must be the file of the order,
/// and the groups must be asked for in the order of their ranks. A group that is asked for by a later-preloaded file of
/// the application, whose own turn comes first, counts with that file.
public struct PreloadAsks: Equatable, Sendable {
  /// What is to be done about a file that is loaded and asked for again.
  public enum Answer: Equatable, Sendable {
    /// It is none of the preload's, or was asked for before.
    case nothing
    /// It is this group's turn: compare the state of these groups with that at the end of the preload.
    case compare([Int])
    /// It is this group's turn, but other files are loaded by now than used to be.
    case company(group: Int)
    /// The application has changed its order: it asks for a file of this group before another one's turn.
    case early(group: Int)
  }

  private let order: PreloadOrder
  /// The group of each key that was preloaded.
  private var groups: [String: Int] = [:]
  /// The group that counts with another, and that other.
  private var leaders: [Int: Int] = [:]
  /// The groups that count together, by the first of their chain; once the preload is over, and where they are several.
  private var together: [Int: [Int]] = [:]
  private var present: Int?
  /// Stands for all files that are loaded, in the eyes of the application: what is preloaded counts from when it is
  /// asked for.
  public private(set) var company: UInt64 = 0
  private var companies: [UInt64]
  private var isAsked: [Bool]
  /// The groups that are to be asked for, by rank; those before `turn` have been.
  private var turns: [Int] = []
  private var turn = 0
  /// How many groups are libraries'; nil before the first file of the application.
  private var libraries: Int?
  /// The libraries' groups that were compared before the end of the preload.
  private var isCompared: [Bool]
  /// The highest rank among those that files of the application have asked for by then.
  private var latestRank: UInt32?
  /// Stands for the groups that the present file has asked for.
  private var broughtIn: UInt64 = 0

  /// Follows a load in this order.
  public init(_ order: PreloadOrder) {
    self.order = order
    isAsked = Array(repeating: false, count: order.files.count)
    companies = Array(repeating: 0, count: order.files.count)
    isCompared = isAsked
  }

  /// Whether nothing is preloaded.
  public var isNatural: Bool { order.isNatural }

  /// The next file of the order is about to be loaded. Nil after the last one.
  public mutating func begin() -> PreloadOrder.File? {
    let next = present.map { $0 + 1 } ?? 0
    present = next
    broughtIn = 0
    return order.files.indices.contains(next) ? order.files[next] : nil
  }

  /// Whether the preload is under way.
  public var isPreloading: Bool { present.map { $0 < order.files.count } ?? false }

  /// Whether no file of the application has begun.
  public var isAmongLibraries: Bool { libraries == nil }

  /// The file of the order that is being loaded.
  public var presentFile: PreloadOrder.File? { isPreloading ? order.files[present!] : nil }

  /// The file that is about to be loaded is the first of the application's own.
  public mutating func settle() { libraries = present }

  /// The libraries whose turn comes before that of the file which is about to be loaded: what the application's files
  /// have done so far, these would have seen. Each is named once.
  public mutating func due() -> [Int] {
    let limit = presentFile?.rank ?? .max
    let due = (0..<(libraries ?? 0)).filter {
      !isCompared[$0] && !isAsked[$0] && leaders[$0] == nil && order.files[$0].rank < limit
    }
    for group in due { isCompared[group] = true }
    return due
  }

  /// The file was loaded already, and is no group of its own.
  public mutating func skip() {
    if let present { isAsked[present] = true }
  }

  /// A file begins to load.
  public mutating func loads(_ key: String) {
    guard let present, isPreloading else {
      company &+= Self.number(of: key)
      return
    }
    groups[key] = present
    companies[present] &+= Self.number(of: key)
  }

  /// The preload is over.
  public mutating func seal() {
    present = order.files.count
    for group in leaders.keys { together[leader(of: group), default: []].append(group) }
    for leader in together.keys { together[leader]! = (together[leader]! + [leader]).sorted() }
    turns = order.files.indices.filter { !isAsked[$0] && leaders[$0] == nil }.sorted {
      (order.files[$0].rank, $0) < (order.files[$1].rank, $1)
    }
  }

  /// A file that is loaded is asked for.
  public mutating func asks(for key: String) -> Answer {
    guard let group = groups[key] else { return .nothing }
    if isPreloading {
      // Its turn comes within the turn of the file that is being loaded, unless somebody asks for it before that.
      if group != present!, leaders[group] == nil, order.files[group].rank > order.files[present!].rank {
        leaders[group] = present!
        return bringsIn(group, key)
      }
      return .nothing
    }
    let leader = leader(of: group)
    guard !isAsked[leader] else { return .nothing }
    while turn < turns.count, isAsked[turns[turn]] { turn += 1 }
    isAsked[leader] = true
    let together = together[leader] ?? [leader]
    let before = company
    for group in together { company &+= companies[group] }
    guard turn < turns.count, turns[turn] == leader, order.files[leader].key == key else {
      return .early(group: leader)
    }
    return before == order.files[leader].company ? .compare(together) : .company(group: leader)
  }

  /// A file of the application that is being preloaded asks for a library, as the first.
  private mutating func bringsIn(_ group: Int, _ key: String) -> Answer {
    guard let present, let libraries, group < libraries, !isAsked[group] else { return .nothing }
    let file = order.files[group]
    let company = order.files[present].company &+ companies[present] &+ broughtIn
    let isInOrder = latestRank.map { $0 < file.rank } ?? true
    isCompared[group] = true
    latestRank = max(latestRank ?? 0, file.rank)
    broughtIn &+= companies[group]
    guard isInOrder, file.key == key else { return .early(group: group) }
    return company == file.company ? .compare([group]) : .company(group: group)
  }

  /// The same in every process (FNV-1a), and different enough for sums of them to tell sets apart.
  private static func number(of key: String) -> UInt64 {
    key.utf8.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
  }

  private func leader(of group: Int) -> Int {
    var group = group
    while let next = leaders[group] { group = next }
    return group
  }

  /// The key of the order's file of this group.
  public func key(of group: Int) -> String { order.files[group].key }

  /// The files that the application has not asked for.
  public var unasked: [String] { turns.filter { !isAsked[$0] }.map(key) }
}
