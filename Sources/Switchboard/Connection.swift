import CLinux
import Glibc
import HTTP1
import ProcessProtocol

/// One slot of the table: a connection, or the place for one.
final class Connection {
  /// Where the connection is on its way.
  enum State {
    /// No connection.
    case closed
    /// Between two requests; no byte of the next one has been seen.
    case parked
    /// The proxy has to say first whose connection it is.
    case introducing(isSecure: Bool)
    /// The first bytes of a request head are there, in the socket or carried.
    case readingHead
    /// The request's body is on its way, and short enough to wait for it in the socket: head and body have so many bytes, of
    /// which some were there when it was looked last.
    case awaitingBody(total: Int, seen: Int)
    /// The request's body is read from the socket and spooled.
    case collecting(BodyCollection)
    /// A whole request is there; the connection is in the waiting line.
    case waiting
    /// In the lending queue or with a worker: the claim word tells.
    case lent
    /// The end of a worker's response is sent from a file.
    case sendingRest(ResponseRest)
    /// An answer of our own is sent.
    case answering(PendingAnswer)
    /// Events are sent as they come.
    case streaming
    /// All is sent, and our direction closed; what the client still sends is read and dropped.
    case lingering(budget: Int)
    /// On its way to the server that takes this one's place; see ``Switchboard/Succession``.
    case departing
  }

  let slot: Int
  var state = State.closed
  var fd: Int32 = -1
  /// The claim word as it was stored last; what workers make of it stands in shared memory.
  var word = ClaimWord(serial: 0, epoch: 0, owner: ClaimWord.switchboard)
  var peer = Peer()
  /// Bytes that were read and not served: they come before those in the socket.
  var carried: [UInt8] = []
  /// The body of the request that `carried` begins with, if it was collected.
  var body: SpooledBody?
  /// The socket's `SO_RCVLOWAT`.
  var lowWater: Int32 = 1
  /// Whether the descriptor is a TCP socket, and no Unix socket or end of a pair.
  var isTCP = false
  /// Whether the descriptor is watched edge-triggered.
  var isOnEdge = false
  /// Whether the next request goes to the front of the line, because it has been with a worker already.
  var comesFirst = false
  /// Whether the peer is a trusted proxy.
  var isTrusted = false
  /// Whether it is one too many, and only told so.
  var isTurnedAway = false
  /// How often in a row the connection arrived at a worker without its descriptor.
  var truncations = 0

  /// Whether it has still to be said whose it is.
  var isIntroducing: Bool { if case .introducing = state { true } else { false } }

  init(slot: Int) { self.slot = slot }
}

/// The end of a response that a worker has handed over.
final class ResponseRest {
  let file: Int32
  var offset: Int
  var left: UInt64
  /// Whether the connection goes on after it.
  let keeps: Bool
  /// Whether the socket had no room at some time: then it is full when all is sent, too.
  var wasSlow = false

  /// Takes over the descriptor.
  init(file: Int32, offset: UInt64, length: UInt64, keeps: Bool) {
    self.file = file
    self.offset = Int(clamping: offset)
    left = length
    self.keeps = keeps
  }

  deinit { close(file) }
}

/// An answer that the socket has not taken wholly.
final class PendingAnswer {
  let bytes: [UInt8]
  var sent = 0
  init(_ bytes: [UInt8]) { self.bytes = bytes }
}
