/// The events of a load, in pieces: the copies of a list share the pieces that they have in common, and to copy one or to
/// cut it costs next to nothing, however long it is.
///
/// A rewind keeps the beginning of a trace and goes on from there, and both traces are kept: as arrays that was a copy of
/// 200,000 events for an application of 50,000 files.
///
/// Invariant: every piece but the last has ``pieceSize`` events, and none is empty.
public struct EventList: Sendable {
  static let pieceSize = 256
  private var pieces: [[TraceEvent]] = []

  /// A list of these events.
  public init(_ events: some Sequence<TraceEvent> = []) { append(contentsOf: events) }

  /// Adds what happened next.
  public mutating func append(contentsOf events: some Sequence<TraceEvent>) {
    for event in events {
      if pieces.last.map({ $0.count == Self.pieceSize }) ?? true { pieces.append([]) }
      pieces[pieces.count - 1].append(event)
    }
  }

  /// The first `count` events, or all if there are not so many.
  public func first(_ count: Int) -> EventList {
    guard count < self.count else { return self }
    var list = EventList()
    let (whole, rest) = count.quotientAndRemainder(dividingBy: Self.pieceSize)
    list.pieces = Array(pieces[..<whole])
    if rest > 0 { list.pieces.append(Array(pieces[whole][..<rest])) }
    return list
  }
}

extension EventList: RandomAccessCollection {
  /// Always 0.
  public var startIndex: Int { 0 }
  /// The number of events.
  public var endIndex: Int { pieces.isEmpty ? 0 : (pieces.count - 1) * Self.pieceSize + pieces[pieces.count - 1].count }

  /// The event at this position of the trace.
  public subscript(position: Int) -> TraceEvent {
    let (piece, place) = position.quotientAndRemainder(dividingBy: Self.pieceSize)
    return pieces[piece][place]
  }
}

extension EventList: Equatable, ExpressibleByArrayLiteral {
  /// A list of these events.
  public init(arrayLiteral events: TraceEvent...) { self.init(events) }

  /// Two lists are equal when they hold the same events.
  public static func == (one: EventList, other: EventList) -> Bool { one.pieces == other.pieces }
}
