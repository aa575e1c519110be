/// The state of one connection slot in shared memory: `serial << 32 | epoch << 16 | owner`.
///
/// The loan message carries a copy. A worker that receives it may touch the connection only after it has swapped
/// itself in as the owner of exactly that word; if the swap fails the connection has been lent again or taken back,
/// and the worker closes its descriptor. A killed worker therefore can never leave a connection that is served twice.
public struct ClaimWord: Equatable, Sendable {
  /// The word as it stands in memory.
  public var rawValue: UInt64

  /// The word with this value.
  public init(rawValue: UInt64) { self.rawValue = rawValue }

  /// A word from its parts.
  public init(serial: UInt32, epoch: UInt16, owner: UInt16) {
    rawValue = UInt64(serial) << 32 | UInt64(epoch) << 16 | UInt64(owner)
  }

  /// The owner of a word that is lent and that no worker has claimed.
  public static let nobody: UInt16 = 0
  /// The owner of a word whose connection is in the switchboard's hands.
  public static let switchboard: UInt16 = 0xFFFF

  /// Counts the connections that have used this slot.
  public var serial: UInt32 { UInt32(truncatingIfNeeded: rawValue >> 32) }
  /// Counts the loans of this connection.
  public var epoch: UInt16 { UInt16(truncatingIfNeeded: rawValue >> 16) }
  /// ``nobody``, ``switchboard``, or the owning worker's cell index + 1.
  public var owner: UInt16 { UInt16(truncatingIfNeeded: rawValue) }

  /// The same loan with another owner.
  public func owned(by owner: UInt16) -> ClaimWord { ClaimWord(rawValue: rawValue & ~0xFFFF | UInt64(owner)) }
}
