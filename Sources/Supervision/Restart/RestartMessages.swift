import ProcessProtocol
import Switchboard

/// What the running server and the one that is to take its place say to each other, over a `SOCK_SEQPACKET` pair.
///
///     old                            new
///     offer, socket ...          ->
///                                <-  ready             its first generation can serve
///     takeOver                   ->                    from here on the old one begins nothing
///                                <-  serving           it listens, and has the control socket and the pid file
///     lead, connection ...       ->                    until nothing is in flight; then the old one leaves
///
/// Until `serving` the old one goes on if the new one says `failed`, or ends.
enum RestartMessage: Equatable {
  /// Who is replaced, and what comes next.
  case offer(RestartOffer)
  /// A socket that the old one listens on; its descriptor comes with it.
  case socket(OfferedSocket)
  case takeOver
  case lead
  /// A connection follows in the same message (``PassedConnection``), with its descriptor.
  case connection
  case ready
  case serving
  /// Why the new one cannot take over, for people.
  case failed(String)

  private var tag: UInt8 {
    switch self {
    case .offer: 1
    case .socket: 2
    case .takeOver: 3
    case .lead: 4
    case .connection: 5
    case .ready: 6
    case .serving: 7
    case .failed: 8
    }
  }

  /// The message's bytes.
  var encoded: [UInt8] {
    var writer = WireWriter()
    writer.write(tag)
    switch self {
    case .offer(let offer):
      writer.write(offer.format)
      writer.write(offer.pid)
      writer.write(offer.keeper)
      writer.write(offer.control)
      writer.write(offer.sockets)
    case .socket(let socket):
      writer.write(socket.purpose.rawValue)
      writer.write(socket.isInherited)
      writer.write(socket.hasFile)
      writer.write(socket.address)
    case .failed(let reason): writer.write(reason)
    case .takeOver, .lead, .connection, .ready, .serving: break
    }
    return writer.bytes
  }

  /// Reads a message, or its beginning.
  init(from reader: inout WireReader) throws {
    switch try reader.read(UInt8.self) {
    case 1:
      self = .offer(
        RestartOffer(
          format: try reader.read(), pid: try reader.read(), keeper: try reader.read(),
          control: try reader.readString(),
          sockets: try reader.read()))
    case 2:
      guard let purpose = OfferedSocket.Purpose(rawValue: try reader.read()) else { throw WireError("a purpose") }
      self = .socket(
        OfferedSocket(
          purpose: purpose, isInherited: try reader.readBool(), hasFile: try reader.readBool(),
          address: try reader.readAddress()))
    case 3: self = .takeOver
    case 4: self = .lead
    case 5: self = .connection
    case 6: self = .ready
    case 7: self = .serving
    case 8: self = .failed(try reader.readString())
    case let other: throw WireError("a message of a restart, not \(other)")
    }
  }
}

/// Who is to be replaced.
struct RestartOffer: Equatable {
  /// The format of all that follows. It changes when a message does: two versions of `nacre` meet here.
  static let currentFormat: UInt8 = 2

  var format = Self.currentFormat
  /// The old server's process.
  var pid: Int32
  /// The process that stays for whoever has started the first server (``Keeper``); 0 for none.
  var keeper: Int32
  /// The path of the control socket; empty for none.
  var control: String
  /// How many sockets follow.
  var sockets: UInt8
}

/// A listening socket of the old server.
struct OfferedSocket: Equatable {
  enum Purpose: UInt8 { case serving, metrics }
  var purpose: Purpose
  /// Whether somebody else has bound it.
  var isInherited: Bool
  /// Whether its file is in its place, and goes with the server.
  var hasFile: Bool
  var address: ListenAddress
}

extension WireWriter {
  fileprivate mutating func write(_ address: ListenAddress) {
    switch address {
    case .tcp(let host, let port):
      write(UInt8(host == nil ? 0 : 1))
      write(host ?? "")
      write(port)
    case .unix(let path):
      write(UInt8(2))
      write(path)
    }
  }
}

extension WireReader {
  fileprivate mutating func readAddress() throws -> ListenAddress {
    switch try read(UInt8.self) {
    case 2: return .unix(path: try readString())
    case let kind:
      let host = try readString()
      return .tcp(host: kind == 0 ? nil : host, port: try read())
    }
  }
}

extension Channel {
  /// Sends a message and copies of `descriptors`, without waiting.
  func send(_ message: RestartMessage, descriptors: [Int32] = []) -> PassingResult {
    send(message.encoded, descriptors: descriptors)
  }

  /// Passes a connection on.
  func pass(_ connection: PassedConnection) -> PassingResult {
    send(RestartMessage.connection.encoded + connection.encoded, descriptors: [connection.descriptor])
  }
}
