import ReloadModel

extension WireWriter {
  mutating func write(_ value: Fingerprint) {
    write(value.device)
    write(value.inode)
    write(value.size)
    write(value.modified)
    write(value.changed)
    write(value.hash)
  }

  mutating func write(_ event: TraceEvent) {
    switch event {
    case .began(let file, let key, let requester, let line, let fingerprint):
      write(0 as UInt8)
      write(file)
      write(key)
      write(requester)
      write(line)
      write(fingerprint)
    case .ended(let file, let loaded, let microseconds):
      write(1 as UInt8)
      write(file)
      write(loaded)
      write(microseconds)
    case .missing(let path):
      write(2 as UInt8)
      write(path)
    case .read(let file, let fingerprint):
      write(3 as UInt8)
      write(file)
      write(fingerprint)
    case .listed(let directory, let hash):
      write(4 as UInt8)
      write(directory)
      write(hash)
    case .tested(let path, let kind):
      write(5 as UInt8)
      write(path)
      write(kind.rawValue)
    case .measured(let path, let fingerprint):
      write(6 as UInt8)
      write(path)
      write(fingerprint)
    case .library(let file, let key, let microseconds):
      write(7 as UInt8)
      write(file)
      write(key)
      write(microseconds)
    case .written(let path):
      write(8 as UInt8)
      write(path)
    case .used(let key, let requester, let line):
      write(9 as UInt8)
      write(key)
      write(requester)
      write(line)
    case .entered(let file, let key, let surroundings, let company):
      write(10 as UInt8)
      write(file)
      write(key)
      write(each: [surroundings].compactMap(\.self)) { $0.write($1) }
      write(company)
    }
  }

  mutating func write(_ plan: LoadPlan) {
    write(each: plan.files) { $0.write($1) }
    write(plan.interval)
    write(UInt32(plan.maximum))
    write(each: [plan.hottest].compactMap(\.self)) { $0.write($1) }
    write(plan.isTrial)
    write(plan.preload)
  }

  mutating func write(_ failure: LoadFailure) {
    write(failure.cause.rawValue)
    write(failure.file)
    write(failure.line)
    write(failure.message)
    write(failure.status)
    write(each: failure.chain) { $0.write($1) }
    write(each: [failure.hook].compactMap(\.self)) { $0.write($1) }
  }

  mutating func write(_ timeline: LoadTimeline) {
    write(timeline.pid)
    write(each: timeline.spans) {
      $0.write($1.kind.rawValue)
      $0.write($1.file)
      $0.write($1.start)
      $0.write($1.duration)
    }
  }

  mutating func write(_ step: LoadFailure.Step) {
    write(step.file)
    write(step.line)
  }

  mutating func write(_ rules: WatchRules) {
    write(each: rules.libraryDirectories) { $0.write($1) }
    write(each: rules.watchedDirectories) { $0.write($1) }
  }

  mutating func write(_ settings: RunSettings) {
    switch settings.application {
    case .file(let file):
      write(0 as UInt8)
      write(file)
    case .code(let code, let file):
      write(1 as UInt8)
      write(code)
      write(file ?? "")
    }
    write(each: settings.includeDirectories) { $0.write($1) }
    write(each: settings.modules) { $0.write($1) }
    write(settings.environment)
    write(settings.looksBeforeRequests)
    write(settings.rules)
    write(settings.spoolDirectory)
    write(settings.destructs)
    write(settings.service.keepsAlive)
    write(settings.service.maximumRequests)
    write(settings.service.mountPath)
    write(settings.service.accessLog)
    write(settings.service.logFormat.rawValue)
    write(settings.service.makesRequestIDs)
    write(each: settings.service.trustedProxies.words) { $0.write($1) }
    write(settings.service.maximumHead)
    write(settings.service.maximumBody)
    write(settings.service.responseBuffer)
  }
}

extension WireReader {
  mutating func readFingerprint() throws -> Fingerprint {
    Fingerprint(
      device: try read(), inode: try read(), size: try read(), modified: try read(), changed: try read(),
      hash: try read())
  }

  mutating func readTraceEvent() throws -> TraceEvent {
    switch try read(UInt8.self) {
    case 0:
      .began(
        file: try readString(), key: try readString(), requester: try readString(), line: try read(),
        fingerprint: try readFingerprint())
    case 1: .ended(file: try readString(), loaded: try readBool(), microseconds: try read())
    case 2: .missing(path: try readString())
    case 3: .read(file: try readString(), fingerprint: try readFingerprint())
    case 4: .listed(directory: try readString(), hash: try read())
    case 5: .tested(path: try readString(), kind: try readCase("path kind"))
    case 6: .measured(path: try readString(), fingerprint: try readFingerprint())
    case 7: .library(file: try readString(), key: try readString(), microseconds: try read())
    case 8: .written(path: try readString())
    case 9: .used(key: try readString(), requester: try readString(), line: try read())
    case 10:
      .entered(
        file: try readString(), key: try readString(), surroundings: try readEach { try $0.readSurroundings() }.first,
        company: try read())
    case let other: throw WireError("a trace event, not \(other)")
    }
  }

  mutating func readCase<T: RawRepresentable>(_ what: String) throws -> T where T.RawValue == UInt8 {
    let raw = try read(UInt8.self)
    guard let value = T(rawValue: raw) else { throw WireError("a \(what), not \(raw)") }
    return value
  }

  mutating func readPlan() throws -> LoadPlan {
    var plan = LoadPlan(
      files: try readEach { try $0.readString() }, interval: try read(), maximum: Int(try read(UInt32.self)))
    plan.hottest = try readEach { try $0.readString() }.first
    plan.isTrial = try readBool()
    plan.preload = try readOrder()
    return plan
  }

  mutating func readFailure() throws -> LoadFailure {
    LoadFailure(
      cause: try readCase("cause"), file: try readString(), line: try read(), message: try readString(),
      status: try read(), chain: try readEach { try $0.readStep() }, hook: try readEach { try $0.readStep() }.first)
  }

  mutating func readTimeline() throws -> LoadTimeline {
    LoadTimeline(
      pid: try read(),
      spans: try readEach {
        .init(try $0.readCase("span"), file: try $0.readString(), start: try $0.read(), duration: try $0.read())
      })
  }

  mutating func readStep() throws -> LoadFailure.Step {
    LoadFailure.Step(file: try readString(), line: try read())
  }

  mutating func readRules() throws -> WatchRules {
    WatchRules(
      libraryDirectories: try readEach { try $0.readString() },
      watchedDirectories: try readEach { try $0.readString() })
  }

  mutating func readSettings() throws -> RunSettings {
    let application: RunSettings.Application
    switch try read(UInt8.self) {
    case 0: application = .file(try readString())
    case 1:
      let code = try readString()
      let file = try readString()
      application = .code(code, file: file.isEmpty ? nil : file)
    case let other: throw WireError("an application, not \(other)")
    }
    var settings = RunSettings(
      application: application, includeDirectories: try readEach { try $0.readString() },
      modules: try readEach { try $0.readString() }, environment: try readString(),
      looksBeforeRequests: try readBool(), rules: try readRules(), spoolDirectory: try readString(),
      destructs: try readBool())
    settings.service.keepsAlive = try readBool()
    settings.service.maximumRequests = try read()
    settings.service.mountPath = try readString()
    settings.service.accessLog = try readString()
    let format = try read(UInt8.self)
    guard let logFormat = RunSettings.Service.LogFormat(rawValue: format) else {
      throw WireError("a format of the access log, not \(format)")
    }
    settings.service.logFormat = logFormat
    settings.service.makesRequestIDs = try readBool()
    let proxies = try readEach { try $0.readString() }
    guard let trusted = TrustedProxies(proxies) else { throw WireError("proxies, not \(proxies)") }
    settings.service.trustedProxies = trusted
    settings.service.maximumHead = try read()
    settings.service.maximumBody = try read()
    settings.service.responseBuffer = try read()
    return settings
  }
}
