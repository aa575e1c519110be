import ReloadModel

extension Command {
  /// The message's bytes.
  public func encoded() -> [UInt8] {
    var writer = WireWriter()
    switch self {
    case .configure(let settings):
      writer.write(0 as UInt8)
      writer.write(settings)
    case .forkCandidate(let generation, let token, let cell, let plan):
      writer.write(1 as UInt8)
      writer.write(generation)
      writer.write(token)
      writer.write(cell)
      writer.write(plan)
    case .forkWorker(let token, let cell, let generation):
      writer.write(2 as UInt8)
      writer.write(token)
      writer.write(cell)
      writer.write(generation)
    case .takeCensus(let token, let firstIsNatural):
      writer.write(3 as UInt8)
      writer.write(token)
      writer.write(firstIsNatural)
    case .serve: writer.write(4 as UInt8)
    }
    return writer.bytes
  }

  /// Reads a message; throws ``WireError`` if it is not a command.
  public init(decoding bytes: UnsafeRawBufferPointer) throws {
    var reader = WireReader(bytes)
    switch try reader.read(UInt8.self) {
    case 0: self = .configure(try reader.readSettings())
    case 1:
      self = .forkCandidate(
        generation: try reader.read(), token: try reader.read(), cell: try reader.read(), plan: try reader.readPlan())
    case 2: self = .forkWorker(token: try reader.read(), cell: try reader.read(), generation: try reader.read())
    case 3: self = .takeCensus(token: try reader.read(), firstIsNatural: try reader.readBool())
    case 4: self = .serve
    case let other: throw WireError("a command, not \(other)")
    }
  }
}

extension Notice {
  /// The message's bytes.
  public func encoded() -> [UInt8] {
    var writer = WireWriter()
    switch self {
    case .hello(let pid):
      writer.write(0 as UInt8)
      writer.write(pid)
    case .baseReady(let loaded):
      writer.write(1 as UInt8)
      writer.write(each: loaded) { $0.write($1) }
    case .forked(let kind, let token):
      writer.write(2 as UInt8)
      writer.write(kind.rawValue)
      writer.write(token)
    case .forkFailed(let token, let message):
      writer.write(3 as UInt8)
      writer.write(token)
      writer.write(message)
    case .dropCheckpoints(let positions):
      writer.write(4 as UInt8)
      writer.write(each: positions) { $0.write($1) }
    case .trace(let events):
      writer.write(5 as UInt8)
      writer.write(each: events) { $0.write($1) }
    case .loaded(let summary):
      writer.write(6 as UInt8)
      writer.write(summary.microseconds)
      writer.write(each: summary.sockets) {
        $0.write($1.file)
        $0.write($1.description)
      }
      writer.write(each: summary.databases) {
        $0.write($1.file)
        $0.write($1.path)
      }
      writer.write(summary.timer)
    case .failed(let failure):
      writer.write(7 as UInt8)
      writer.write(failure)
    case .workerReady:
      writer.write(8 as UInt8)
    case .report(let text):
      writer.write(9 as UInt8)
      writer.write(text)
    case .leaving(let reason):
      writer.write(10 as UInt8)
      writer.write(reason)
    case .startHook(let place):
      writer.write(11 as UInt8)
      writer.write(place)
    case .timeline(let timeline):
      writer.write(20 as UInt8)
      writer.write(timeline)
    case .objections(let objections):
      writer.write(12 as UInt8)
      writer.write(each: objections) { $0.write($1) }
    case .census(let differences, let first):
      writer.write(13 as UInt8)
      writer.write(differences)
      writer.write(first)
    }
    return writer.bytes
  }

  /// Reads a message; throws ``WireError`` if it is not a notice.
  public init(decoding bytes: UnsafeRawBufferPointer) throws {
    var reader = WireReader(bytes)
    switch try reader.read(UInt8.self) {
    case 0: self = .hello(pid: try reader.read())
    case 1: self = .baseReady(loaded: try reader.readEach { try $0.readTraceEvent() })
    case 2: self = .forked(try reader.readCase("process kind"), token: try reader.read())
    case 3: self = .forkFailed(token: try reader.read(), message: try reader.readString())
    case 4: self = .dropCheckpoints(positions: try reader.readEach { try $0.read() })
    case 5: self = .trace(try reader.readEach { try $0.readTraceEvent() })
    case 6:
      self = .loaded(
        LoadSummary(
          microseconds: try reader.read(),
          sockets: try reader.readEach {
            LoadSummary.SharedSocket(file: try $0.readString(), description: try $0.readString())
          },
          databases: try reader.readEach {
            LoadSummary.SharedDatabase(file: try $0.readString(), path: try $0.readString())
          },
          timer: try reader.readBool()))
    case 7: self = .failed(try reader.readFailure())
    case 8: self = .workerReady
    case 9: self = .report(try reader.readString())
    case 10: self = .leaving(try reader.readString())
    case 11: self = .startHook(try reader.readStep())
    case 20: self = .timeline(try reader.readTimeline())
    case 12: self = .objections(try reader.readEach { try $0.readObjection() })
    case 13: self = .census(differences: try reader.read(), first: try reader.readString())
    case let other: throw WireError("a notice, not \(other)")
    }
  }
}
