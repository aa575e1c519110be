import CPerl
import Glibc
import HTTP1
import ProcessProtocol

/// One request's way through the application and its response's way to the client. A worker has one of these and uses
/// it for all its requests.
final class Exchange {
  /// How far the response is.
  enum Stage {
    /// The application has given nothing yet.
    case running
    /// The application has been handed a responder.
    case delayed
    /// The head is out, the application writes the body.
    case open(BodyWriter)
    /// The application has given its response.
    case given
  }

  let outlet: Outlet
  let cell: ScoreboardCell
  let keys: EnvironmentKeys
  /// Tells this request's responder and writer from older ones.
  private(set) var serial: UInt64 = 0
  var stage = Stage.given
  /// The response head, later what stands between the pieces of the body.
  var buffer = ByteBuffer()
  var head = ResponseHead()
  /// Whether the connection can be kept after this response.
  var keepsAlive = false
  var minorVersion = 1
  var isHead = false
  /// Whether bytes of the response have been sent.
  var hasBegun = false
  /// What the client was, or is being, answered: the status and the bytes of the body.
  var status = 0
  var bodyCount = 0
  /// What goes with the response as the request's id; empty if there is none. Owned by the worker.
  var requestID = UnsafeRawBufferPointer(start: nil, count: 0)
  /// Whether bytes of the next request have been read already.
  private var hasUnread = false
  /// A reference to the environment hash, owned by the worker.
  private var environment: OpaquePointer?
  /// What stands under `psgix.io`, also in the environment of this request.
  private var connection: OpaquePointer?
  /// Whether the response is there: what is sent from here on is a part of it.
  private(set) var isAnswering = false
  /// Whether the application has looked at the connection itself, and may have used it.
  var hasShownConnection = false

  init(outlet: Outlet, cell: ScoreboardCell, keys: EnvironmentKeys) {
    self.outlet = outlet
    self.cell = cell
    self.keys = keys
  }

  /// Turns to a request.
  func begin(
    _ request: borrowing RequestHead, environment: OpaquePointer, hasUnread: Bool, isStream: Bool
  ) {
    self.hasUnread = hasUnread
    serial &+= 1
    stage = .running
    hasBegun = false
    status = 0
    bodyCount = 0
    minorVersion = request.minorVersion
    isHead = request.isHead
    keepsAlive = request.keepsAlive
    self.environment = environment
    hasShownConnection = false
    isAnswering = false
    // A stream of HTTP/2 has no connection of its own.
    guard !isStream else { return }
    let connection = cp_lend_connection(self.connection, serial)
    self.connection = connection
    cp_retain(connection)
    cp_hash_put(cp_referent(environment), keys.connection, connection)
  }

  /// Runs the application and sends what it answers.
  func run(_ application: OpaquePointer) throws(Exit) {
    // A reference of its own: the application may assign to `$_[0]`.
    let lent = cp_copy_reference(environment!)
    defer { cp_release(lent) }
    switch try call(application, lent) {
    case .died(let error): try fail(error)
    case .returned(let value):
      do throws(Interruption) {
        try answer(value, asDelayed: false)
      } catch {
        try handle(error)
      }
      try release(value)
    }
    if outlet.isBroken { keepsAlive = false }
    if hasShownConnection, let connection {
      self.connection = nil
      try release(connection)
    }
  }

  /// An error, owned by whoever catches it. It never leaves the one thread that perl runs in.
  struct Thrown: @unchecked Sendable {
    let value: OpaquePointer?
  }

  /// What stops a response from being sent.
  enum Interruption: Error {
    case problem(ResponseProblem)
    /// Code of the application that the response needed died.
    case died(Thrown)
    case exited(Exit)
  }

  /// Sends a response, or what stands for one.
  func answer(_ value: OpaquePointer?, asDelayed isDelayed: Bool) throws(Interruption) {
    var response = cp_response()
    var error: OpaquePointer?
    var status: Int32 = 0
    try Self.expectReturn(cp_read_response(value, &response, &error, &status), error, status)
    if let problem = ResponseProblem(response.kind) { throw .problem(problem) }
    isAnswering = response.kind != CP_RESPONSE_DELAYED
    switch response.kind {
    case CP_RESPONSE_ARRAY: try sendArray(response)
    case CP_RESPONSE_FILE: try sendFile(response)
    case CP_RESPONSE_OBJECT: try sendPieces(response)
    case CP_RESPONSE_OPEN:
      guard isDelayed else { throw .problem(.openOutsideResponder) }
      try open(response)
    default:
      guard !isDelayed else { throw .problem(.delayedTwice) }
      try runDelayed(value!)
    }
  }

  /// Calls the sub that will give the response to a responder.
  private func runDelayed(_ code: OpaquePointer) throws(Interruption) {
    stage = .delayed
    let responder = cp_new_responder(serial)
    let outcome: Called
    do throws(Exit) {
      outcome = try call(code, responder)
      try release(responder)
    } catch {
      throw .exited(error)
    }
    if case .died(let error) = outcome { throw .died(Thrown(value: error)) }
    if case .returned(let value) = outcome { try interruptible { () throws(Exit) in try release(value) } }
    switch stage {
    case .delayed where hasShownConnection: endUnanswered()
    case .delayed: throw .problem(.neverResponded)
    // The sub has returned and this server is a blocking one: nobody can write any more.
    case .open: endBody()
    default: break
    }
  }

  /// Throws what kept a `cp_` function from returning.
  static func expectReturn(_ outcome: cp_outcome, _ error: OpaquePointer?, _ status: Int32) throws(Interruption) {
    switch outcome {
    case CP_RETURNED: break
    case CP_DIED: throw .died(Thrown(value: error))
    default: throw .exited(Exit(status: status))
    }
  }

  /// Runs what can only be ended by `exit`.
  func interruptible(_ body: () throws(Exit) -> Void) throws(Interruption) {
    do throws(Exit) {
      try body()
    } catch {
      throw .exited(error)
    }
  }

  // MARK: Failures

  private func handle(_ interruption: Interruption) throws(Exit) {
    switch interruption {
    case .exited(let exit): throw exit
    case .died(let thrown): try fail(thrown.value ?? makeString("unknown error\n"))
    case .problem(let problem): try fail(makeString("Nacre: \(problem)\n"))
    }
  }

  /// Reports an error, a new value, and answers 500; if the response has begun, the connection can only be closed.
  private func fail(_ error: OpaquePointer) throws(Exit) {
    if hasBegun {
      if case .given = stage {} else { keepsAlive = false }
      // A client that went away is no error of the application's.
      if !outlet.isBroken { try report(error) }
    } else {
      try report(error)
      // There may be something else than HTTP by now.
      if hasShownConnection { keepsAlive = false }
      sendInternalServerError()
    }
    stage = .given
    try release(error)
  }

  /// Prints to psgi.errors, as Starman does.
  func report(_ error: OpaquePointer) throws(Exit) {
    if let errors = cp_hash_get(cp_referent(environment!), keys.errors) {
      var value: OpaquePointer?
      var status: Int32 = 0
      switch try called(cp_print_error(errors, error, &value, &status), value, status) {
      case .returned(let value): return try release(value)
      case .died(let another): try release(another)
      }
    }
    // The application has put something there that cannot print.
    let text: StaticString = "Nacre: the application died, and psgi.errors cannot print the error\n"
    _ = Glibc.write(2, text.utf8Start, text.utf8CodeUnitCount)
  }

  /// Answers what is not a request.
  func refuse(_ refusal: Refusal) {
    buffer.truncate()
    ResponseHead.writeAnswer(to: refusal, now: time(nil), in: &buffer)
    hasBegun = false
    send(buffer.bytes)
  }

  private func sendInternalServerError() {
    let body: StaticString = "Internal Server Error\n"
    let bytes = UnsafeRawBufferPointer(start: body.utf8Start, count: body.utf8CodeUnitCount)
    buffer.truncate()
    head = ResponseHead()
    do throws(ResponseFault) {
      try head.begin(status: 500, in: &buffer)
      buffer.append("Content-Type: text/plain; charset=utf-8\r\n")
      let framing = try endHead(500, knownBodyLength: bytes.count)
      bodyCount = framing.body == .none ? 0 : bytes.count
      sendEnd(buffer.bytes, UnsafeRawBufferPointer(rebasing: bytes[..<bodyCount]))
    } catch {
      keepsAlive = false
    }
  }

  /// Marks the response as begun and sends.
  func send(
    _ first: UnsafeRawBufferPointer, _ second: UnsafeRawBufferPointer = UnsafeRawBufferPointer(start: nil, count: 0),
    _ third: UnsafeRawBufferPointer = UnsafeRawBufferPointer(start: nil, count: 0)
  ) {
    beginResponding()
    outlet.send(first, second, third)
  }

  /// Sends the end of the response. If this process dies from here on, the connection can be used further, unless
  /// bytes have been read from it that nobody else has.
  func sendEnd(
    _ first: UnsafeRawBufferPointer, _ second: UnsafeRawBufferPointer = UnsafeRawBufferPointer(start: nil, count: 0),
    _ third: UnsafeRawBufferPointer = UnsafeRawBufferPointer(start: nil, count: 0)
  ) {
    beginResponding()
    guard outlet.sendEnd(first, second, third) else { return }
    if keepsAlive, !hasUnread, !hasShownConnection { cell.phase = .betweenRequests }
    outlet.push()
  }

  /// The scoreboard must say so before the first byte is out.
  func beginResponding() {
    guard !hasBegun else { return }
    hasBegun = true
    cell.phase = .responding
  }
}
