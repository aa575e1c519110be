import CLinux
import Glibc
import HTTP1
import ProcessProtocol

/// What ends TLS and HTTP/2 before the switchboard.
///
/// It takes whole connections, and gives one end of a socket pair for each of them, or for each HTTP/2 stream, to
/// ``Switchboard/adopt(_:_:)``: what comes out of that end is HTTP/1.1. All of it is called on the loop's thread.
public protocol Front: AnyObject {
  /// Begins to work for this switchboard, on whose loop everything is called.
  func start(on loop: EventLoop, for switchboard: Switchboard, settings: SwitchboardSettings) throws(SystemError)
  /// Takes over a connection of which nothing has been read. ``Switchboard/frontClosed()`` tells of its end.
  func take(_ descriptor: Int32, _ peer: Peer, _ language: FrontLanguage)
  /// Looks at its files again. Returns what a person should know, one sentence; bad files change nothing.
  func reload() -> String?
  /// No more connections come. Lets those that are open finish what is in flight, and then closes them.
  func stop()
}

/// What a client of a ``Front`` begins with.
public enum FrontLanguage: Sendable {
  /// TLS; which HTTP is agreed on in there.
  case secure
  /// HTTP/2 in clear text.
  case http2
}

extension Switchboard {
  /// What a client of HTTP/2 begins with; to a reader of HTTP/1.1 it looks like a request.
  private static let preface: StaticString = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

  /// Whether the first bytes of a connection are those of HTTP/2, and that is to be spoken.
  func beginsHTTP2(_ connection: Connection, _ bytes: UnsafeRawBufferPointer) -> Bool {
    // As much as is needed to tell; the rest may be on its way.
    let enough = 18
    guard settings.takesHTTP2, front != nil, !connection.peer.isPair, connection.word.epoch == 0 else { return false }
    return bytes.count >= enough && memcmp(bytes.baseAddress!, Self.preface.utf8Start, enough) == 0
  }

  /// Gives an accepted connection to the front. It has at most as many as there are slots.
  func handOver(_ descriptor: Int32, _ peer: Peer, _ language: FrontLanguage) {
    guard let front, accepting != .stopped, handedOver < scoreboard.slotCount else {
      Glibc.close(descriptor)
      return
    }
    handedOver += 1
    front.take(descriptor, peer, language)
  }

  /// Gives a connection to the front of which nothing has been read that the client has sent.
  func handOver(_ connection: Connection, _ language: FrontLanguage) {
    leaveLists(connection)
    setLowWater(connection, 1)
    loop.unwatch(connection.fd)
    let (descriptor, peer) = (connection.fd, connection.peer)
    free(connection)
    handOver(descriptor, peer, language)
    if accepting == .stopped { scheduleTurnEnd() }
  }

  /// Takes in, and over, the end of a pair behind which the front speaks for a client; closes it if the table is full, or if
  /// it is a new connection and no more are accepted. A stream of HTTP/2 was promised an answer.
  public func adopt(_ descriptor: Int32, _ peer: Peer) {
    guard accepting != .stopped || peer.isHTTP2 else {
      Glibc.close(descriptor)
      return
    }
    guard !freeSlots.isEmpty || makeRoom() else {
      let answer = Answer.tooMuchWaiting.encoded(isHead: false, date: time(nil))
      _ = Glibc.send(descriptor, answer, answer.count, Int32(MSG_DONTWAIT) | Int32(MSG_NOSIGNAL))
      Glibc.close(descriptor)
      return
    }
    cl_set_nonblocking(descriptor, true)
    open(descriptor, peer)
  }

  /// A connection that the front had been given is closed.
  public func frontClosed() {
    handedOver -= 1
    if accepting == .stopped { scheduleTurnEnd() }
  }
}
