import CLinux
import CPerl
import Glibc
import HTTP1
import ProcessProtocol

extension Worker {
  /// How a connection leaves this worker.
  private enum Departure {
    case keep
    case close
    case tooOld
  }

  /// Serves the requests of a connection and gives it back. When the application calls `exit`, the descriptor is
  /// closed and nothing is given back: `nacre` sees how far the response came.
  func serve(_ connection: inout Connection) throws(Exit) {
    do throws(Exit) {
      peer.begin(connection.loan, descriptor: connection.descriptor)
      outlet.begin(connection.descriptor, isTCP: !peer.isUnix && !connection.loan.isPair)
      var isFirst = true
      while try serveRequest(&connection, isFirst: isFirst) == .next { isFirst = false }
    } catch {
      outlet.abandon()
      closeDescriptors(of: &connection)
      throw error
    }
  }

  /// What follows a request.
  private enum Next {
    /// The next request on the same connection.
    case next
    /// The connection has been given back.
    case gave
  }

  private func serveRequest(_ connection: inout Connection, isFirst: Bool) throws(Exit) -> Next {
    switch readHead(connection, isFirst: isFirst) {
    case .leave(let departure):
      leave(&connection, departure)
      return .gave
    case .refused(let refusal):
      refuse(&connection, refusal)
      return .gave
    case .head(let length):
      if !isFirst, isTooOld || isReserved {
        leave(&connection, .tooOld)
        return .gave
      }
      return try serveRequest(&connection, headLength: length)
    }
  }

  // MARK: Reading

  private enum HeadReading {
    case head(length: Int)
    case refused(Refusal)
    case leave(Departure)
  }

  private func readHead(_ connection: Connection, isFirst: Bool) -> HeadReading {
    if !isFirst {
      if seat.scoreboard.waiting > 0 || isSpent || cl_stop_requested() { return .leave(.keep) }
      // Asked before anything is read: a worker that dies in between leaves nothing unanswered behind.
      if input.bytes.isEmpty, cl_readable_bytes(connection.descriptor) <= 0 { return .leave(.keep) }
    }
    // From here on bytes may be lost with this process.
    cell.phase = .inRequest
    while true {
      if !input.bytes.isEmpty {
        switch request.parse(input.bytes) {
        case .complete(let length): return .head(length: length)
        case .refused(let refusal): return .refused(refusal)
        case .incomplete: if input.isFull { return .refused(.headTooLarge) }
        }
      }
      let count = input.receive(from: connection.descriptor)
      if count > 0 { continue }
      // The switchboard waits for the missing bytes, if the client is still there.
      return .leave(count < 0 && errno == EAGAIN ? .keep : .close)
    }
  }

  /// Whether the code may have changed since the request that has just been seen arrived. The order matters: the
  /// supervisor drains events before it raises `examining`'s successor, the published generation.
  private var isTooOld: Bool {
    if seat.settings.looksBeforeRequests {
      if seat.inotify >= 0 {
        var watch = pollfd(fd: seat.inotify, events: Int16(POLLIN), revents: 0)
        if poll(&watch, 1, 0) > 0 { return true }
      }
      if seat.scoreboard.examining != 0 { return true }
    }
    return seat.scoreboard.publishedGeneration != seat.generation
  }

  /// Whether `nacre` answers the request that has just been read by itself. What it lends, it does not.
  private var isReserved: Bool {
    hasReservedPaths && ReservedPath.contains(request.path.slice(of: input.bytes))
  }

  private func readBody(_ connection: inout Connection, headLength: Int) -> RequestBody.Reading {
    guard !connection.loan.hasBody || connection.body < 0 else {
      let descriptor = connection.body
      connection.body = -1
      input.consume(headLength)
      guard connection.loan.bodyLength > 0 else {
        close(descriptor)
        return .body(.none)
      }
      // Descriptors of one file share their offset, and `nacre` has written through it.
      lseek(descriptor, 0, SEEK_SET)
      return .body(.descriptor(descriptor, count: Int(connection.loan.bodyLength)))
    }
    let body = RequestBody(
      input: input, socket: connection.descriptor, spoolDirectory: seat.settings.spoolDirectory,
      maximum: seat.settings.service.maximumBody)
    return body.read(request.bodyFraming, headLength: headLength)
  }

  // MARK: One request

  private func serveRequest(_ connection: inout Connection, headLength: Int) throws(Exit) -> Next {
    let headBytes = UnsafeRawBufferPointer(rebasing: input.bytes[..<headLength])
    switch readBody(&connection, headLength: headLength) {
    case .incomplete: leave(&connection, .keep)
    case .broken: leave(&connection, .close)
    case .refused(let refusal): refuse(&connection, refusal)
    case .body(let body):
      cell.setRequest(request.method.slice(of: headBytes), request.path.slice(of: headBytes))
      let environment = builder.makeEnvironment(request, headBytes, peer, body)
      if connection.loan.isTrusted {
        builder.put(ForwardedFields(request, headBytes, seat.settings.service.trustedProxies), in: environment)
      }
      nameRequest(headBytes, isTrusted: connection.loan.isTrusted, in: environment)
      return try serveRequest(&connection, environment: environment, headBytes)
    }
    return .gave
  }

  /// `--request-ids`: the application, the client and the log all get to know the id.
  private func nameRequest(
    _ headBytes: UnsafeRawBufferPointer, isTrusted: Bool, in environment: OpaquePointer
  ) {
    guard let requestID else { return }
    let given = isTrusted ? request.value(of: .xRequestID)?.slice(of: headBytes) : nil
    if given.map(requestID.take) != true { requestID.make() }
    exchange.requestID = requestID.bytes
    cp_hash_put(environment, builder.keys.requestID, makeString(exchange.requestID))
  }

  private func log(_ environment: OpaquePointer, _ headBytes: UnsafeRawBufferPointer, _ duration: UInt64) {
    guard let accessLog else { return }
    accessLog.write(
      AccessLog.Entry(
        head: headBytes, environment: environment, status: exchange.status, bodyCount: exchange.bodyCount,
        duration: duration, requestID: exchange.requestID), request)
  }

  /// Nanoseconds of `CLOCK_MONOTONIC`; no system call.
  static func clock() -> UInt64 {
    var clock = timespec()
    clock_gettime(CLOCK_MONOTONIC, &clock)
    return UInt64(clock.tv_sec) * 1_000_000_000 + UInt64(clock.tv_nsec)
  }

  /// `headBytes` stay where they are until more is read from the connection.
  private func serveRequest(
    _ connection: inout Connection, environment: OpaquePointer, _ headBytes: UnsafeRawBufferPointer
  ) throws(Exit) -> Next {
    let reference = cp_new_reference_taking(environment)
    let since = Self.clock()
    cell.since = since
    exchange.begin(
      request, environment: reference, hasUnread: !input.bytes.isEmpty, isStream: connection.loan.isHTTP2)
    if !seat.settings.service.keepsAlive { exchange.keepsAlive = false }
    try exchange.run(application)
    // The application has had it as one that waits.
    if exchange.hasShownConnection { cl_set_nonblocking(connection.descriptor, true) }
    let duration = Self.clock() - since
    cell.count(status: exchange.status, nanoseconds: duration)
    cell.requests += 1
    cell.since = 0
    let rest = outlet.end()
    // As soon as it is true: the answer is out and nothing of the next request is here.
    if exchange.keepsAlive, rest == nil, input.bytes.isEmpty { cell.phase = .betweenRequests }
    log(environment, headBytes, duration)

    let hasHandlers = cp_array_count(cp_hash_get(environment, builder.keys.cleanupHandlers)) > 0
    isToLeave = cp_hash_is_true(environment, builder.keys.harakiriCommit)
    if let rest {
      give(&connection, exchange.keepsAlive ? .keep : .close, rest)
    } else if !exchange.keepsAlive || hasHandlers || isToLeave {
      leave(&connection, exchange.keepsAlive ? .keep : .close)
    } else {
      try release(reference)
      return .next
    }
    // The client has its answer; what the application still wants to do is done without the connection.
    if hasHandlers {
      cell.phase = .cleaningUp
      // `--timeout` holds for them, too, from here on.
      cell.since = Self.clock()
      defer { cell.since = 0 }
      try runHandlers(of: environment, reference)
      // A handler may ask for it, too.
      isToLeave = cp_hash_is_true(environment, builder.keys.harakiriCommit)
    }
    try release(reference)
    return .gave
  }

  /// Runs psgix.cleanup.handlers with the environment; their errors are reported and stop none of the others.
  private func runHandlers(of environment: OpaquePointer, _ reference: OpaquePointer) throws(Exit) {
    var index = 0
    // A handler may add handlers.
    while let list = cp_hash_get(environment, builder.keys.cleanupHandlers), index < cp_array_count(list) {
      defer { index += 1 }
      guard let handler = cp_array_at(list, index) else { continue }
      cp_retain(handler)
      let lent = cp_copy_reference(reference)
      defer { cp_release(lent) }
      switch try call(handler, lent) {
      case .returned(let value): try release(value)
      case .died(let error):
        try exchange.report(error)
        try release(error)
      }
      try release(handler)
    }
  }

  // MARK: Giving back

  private func leave(_ connection: inout Connection, _ departure: Departure) {
    give(&connection, departure, nil)
  }

  private func closeDescriptors(of connection: inout Connection) {
    if connection.descriptor >= 0 { close(connection.descriptor) }
    if connection.body >= 0 { close(connection.body) }
    connection.descriptor = -1
    connection.body = -1
  }

  private func give(_ connection: inout Connection, _ departure: Departure, _ rest: Outlet.Rest?) {
    closeDescriptors(of: &connection)
    let outcome: Return.Outcome =
      switch departure {
      case .keep: .keep
      case .close: .close
      case .tooOld: .tooOld
      }
    if outcome == .close { input.consumeAll() }
    // If this process dies before the return is out, the phase tells whether the connection can be parked: not with
    // half an answer sent, nor with bytes read that nobody else has.
    if outcome == .keep, rest == nil, input.bytes.isEmpty { cell.phase = .betweenRequests }
    give(
      back: Return(
        outcome: outcome, slot: connection.loan.slot, word: connection.word,
        restOffset: UInt64(rest?.offset ?? 0), restLength: UInt64(rest?.count ?? 0)),
      rest: rest?.descriptor ?? -1)
    cell.phase = .betweenRequests
    cell.slot = nil
  }

  /// Answers what is not a request; nobody knows where the next one would begin.
  private func refuse(_ connection: inout Connection, _ refusal: Refusal) {
    exchange.refuse(refusal)
    if let rest = outlet.end() { give(&connection, .close, rest) } else { leave(&connection, .close) }
  }
}
