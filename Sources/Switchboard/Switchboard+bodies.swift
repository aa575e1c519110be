import CLinux
import Glibc
import HTTP1
import ProcessProtocol

extension Switchboard {
  /// How often a body is read from before others get their turn.
  private static let collectBatch = 16

  /// Takes the head (described by `head`) out of the socket, if it is still there, and then collects the body. Head
  /// and body are apart from then on: `carried` begins with the head, and goes on with what follows the body.
  func beginCollecting(_ connection: Connection, headLength: Int, _ framing: BodyCollection.Framing) {
    let (isHead, waits) = (head.isHead, head.expectsContinue)
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
