import CLinux
import Glibc
import HTTP1
import ProcessProtocol

extension Switchboard {
  /// How often a body is read from before others get their turn.
  private static let collectBatch = 16

  // MARK: Bodies that stay in the socket

  /// The most bytes of head and body that are left in a socket until they are all there.
  private static let awaitedLimit = 256 * 1024

  /// Whether the kernel can keep a whole request, and tell when it is whole.
  func canAwaitBody(_ connection: Connection, _ total: Int) -> Bool {
    connection.isTCP && connection.carried.isEmpty && total <= Self.awaitedLimit
  }

  /// Leaves a body where it is until all of it has come; then a worker reads it, and nobody has copied it.
  func awaitBody(_ connection: Connection, total: Int) {
    let seen = cl_readable_bytes(connection.fd)
    if seen >= total { return becomeReady(connection) }
    if head.expectsContinue { sendContinue(connection) }
    connection.state = .awaitingBody(total: total, seen: Int(max(0, seen)))
    setDeadline(connection, .body)
    // This also has the kernel make room for it (tcp.c, tcp_set_rcvlowat).
    setLowWater(connection, Int32(total))
    awaitReadable(connection)
  }

  /// The body is there, or the client is gone, or the kernel has no room for it.
  func lookForBody(_ connection: Connection, total: Int, ended: Bool) {
    let count = cl_readable_bytes(connection.fd)
    if count >= total { return becomeReady(connection) }
    if ended || count <= 0 { return close(connection) }
    let peeked = recv(connection.fd, buffer.baseAddress!, Self.window, Int32(MSG_PEEK | MSG_DONTWAIT))
    guard peeked > 0, case .complete(let headLength) = head.parse(UnsafeRawBufferPointer(rebasing: buffer[..<peeked]))
    else { return close(connection) }
    beginCollecting(connection, headLength: headLength, .length(UInt64(total - headLength)), isAskedFor: true)
  }

  /// A body is overdue: whether more of it has come since it was looked last, and it is waited for again.
  func goesOn(_ connection: Connection) -> Bool {
    guard case .awaitingBody(let total, let seen) = connection.state else { return false }
    let count = Int(cl_readable_bytes(connection.fd))
    guard count > seen else { return false }
    connection.state = .awaitingBody(total: total, seen: count)
    setDeadline(connection, .body)
    return true
  }

  // MARK: Bodies that are collected

  /// Takes the head (described by `head`) out of the socket, if it is still there, and then collects the body. Head
  /// and body are apart from then on: `carried` begins with the head, and goes on with what follows the body.
  func beginCollecting(
    _ connection: Connection, headLength: Int, _ framing: BodyCollection.Framing, isAskedFor: Bool = false
  ) {
    let (isHead, waits) = (head.isHead, head.expectsContinue && !isAskedFor)
    setLowWater(connection, 1)
    if connection.carried.isEmpty {
      guard recv(connection.fd, buffer.baseAddress!, headLength, 0) == headLength else { return close(connection) }
      connection.carried.append(contentsOf: UnsafeRawBufferPointer(rebasing: buffer[..<headLength]))
    }
    let collection: BodyCollection
    do {
      let body = try SpooledBody(directory: settings.spoolDirectory, threshold: settings.spoolThreshold)
      collection = BodyCollection(framing, into: body, maximum: settings.maximumBody)
    } catch { return answerUnspooled(connection, error, isHead: isHead) }
    connection.state = .collecting(collection)
    setDeadline(connection, .body)

    let behind = connection.carried.count - headLength
    if behind > 0 {
      connection.carried.withUnsafeBytes {
        buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[headLength...]))
      }
      connection.carried.removeLast(behind)
      guard add(behind, to: collection, of: connection) else { return }
    }
    if waits { sendContinue(connection) }
    collect(connection, collection)
  }

  /// Reads what there is of a body.
  func collect(_ connection: Connection, _ collection: BodyCollection) {
    for _ in 0..<Self.collectBatch {
      // What is read beyond the body's end is carried, so there must be room for it.
      let room = min(Self.window, Loan.maximumCarried - connection.carried.count)
      let count = recv(
        connection.fd, buffer.baseAddress!, collection.readable(room), Int32(MSG_DONTWAIT))
      guard count > 0 else {
        if count < 0, errno == EAGAIN || errno == EINTR { break }
        return close(connection)
      }
      setDeadline(connection, .body)
      guard add(count, to: collection, of: connection) else { return }
    }
    awaitReadable(connection)
  }

  /// Adds the first bytes of `buffer` to a body; false if that ended the collecting.
  private func add(_ count: Int, to collection: BodyCollection, of connection: Connection) -> Bool {
    do {
      switch try collection.add(UnsafeMutableRawBufferPointer(rebasing: buffer[..<count])) {
      case .unfinished: return true
      case .finished(let used):
        said.remove(.spooling)
        connection.carried.append(contentsOf: UnsafeRawBufferPointer(rebasing: buffer[used..<count]))
        connection.body = collection.body
        becomeReady(connection)
      case .refused(let refusal): answer(connection, Answer(refusal), isHead: false)
      case .tooLarge: answer(connection, .bodyTooLarge, isHead: false)
      }
    } catch { answerUnspooled(connection, error, isHead: false) }
    return false
  }

  /// Refuses a request whose body cannot be kept; nobody else is harmed by that.
  func answerUnspooled(_ connection: Connection, _ error: SystemError, isHead: Bool) {
    reportOnce(.spooling, "\(error): the request was refused")
    let isFull = error.code == ENOSPC || error.code == EDQUOT
    answer(connection, isFull ? .noRoomForBody : .bodyNotKept, isHead: isHead)
  }

  /// Best effort: a client that does not see it sends its body a little later.
  private func sendContinue(_ connection: Connection) {
    let line: StaticString = "HTTP/1.1 100 Continue\r\n\r\n"
    _ = Glibc.send(
      connection.fd, line.utf8Start, line.utf8CodeUnitCount, Int32(MSG_DONTWAIT) | Int32(MSG_NOSIGNAL))
  }
}
