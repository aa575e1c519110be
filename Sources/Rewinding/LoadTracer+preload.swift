import PerlRuntime
import ProcessProtocol
import ReloadModel
import SourceFiles

/// The preload of this process's load: how far it is, and what speaks against it.
struct Preload {
  var asks: PreloadAsks
  /// Whether everything that speaks against it is collected; otherwise the first objection ends the load.
  var collects: Bool
  var objections: [PreloadObjection] = []
  /// The surroundings as they were last told of, and digests of `@INC` and `%ENV` then.
  var surroundings: PreloadOrder.Surroundings?
  var includeDigest: UInt64 = 0
  var environmentDigest: UInt64 = 0
  /// `%ENV` at the start of the load.
  var environment: [String: String] = [:]

  static let none = Preload(asks: PreloadAsks(PreloadOrder()), collects: false)
}

// Files that are loaded before the application asks for them, and what the application has changed by the time it does.
extension LoadTracer {
  /// The next file to load, as `Nacre::Host` reads it: its key, what differs in `%ENV` (`NAME=value`, or `NAME` alone if
  /// it is gone) and `@INC`; separated by NUL, lists by `\x01`. Nil when there is nothing more.
  func beginPreload() -> String? {
    if preload.asks.isNatural { return nil }
    if !preload.asks.isPreloading { cp_guard_start() }
    let next = preload.asks.begin()
    if let next, preload.asks.isAmongLibraries, isWatched(next.file) {
      preload.asks.settle()
      cp_guard_settle()
    }
    let due = preload.asks.due()
    if !due.isEmpty { cp_guard_look() }
    for group in due {
      guard let effect = cp_guard_effect(UInt32(group)) else { continue }
      object(PreloadObjection(key: preload.asks.key(of: group), reason: .changed(String(cString: effect))))
    }
    guard let file = next else { return nil }
    let environment = file.surroundings.environment.sorted { $0.key < $1.key }.map { name, value in
      name + (value.map { "=" + $0 } ?? "")
    }
    return [
      file.key, environment.joined(separator: "\u{1}"), (file.surroundings.includes ?? []).joined(separator: "\u{1}"),
    ].joined(separator: "\0")
  }

  /// `@INC` is set, and the file is about to be loaded. False if it is loaded already.
  func enterPreload() -> Bool {
    cp_guard_begin()
    guard let file = preload.asks.presentFile, Perl.loaded(file.key) != .no else { return true }
    preload.asks.skip()
    return false
  }

  /// The file is loaded, or has died with an error.
  func endPreload(error: String) {
    guard let file = preload.asks.presentFile else { return }
    let changed = cp_guard_end()
    if !error.isEmpty {
      object(PreloadObjection(key: file.key, reason: .failed(error)))
    } else if let changed {
      object(PreloadObjection(key: file.key, reason: .failed("it changes \(String(cString: changed))")))
    }
  }

  /// Everything is loaded; the application comes next.
  func sealPreload() {
    preload.asks.seal()
    cp_guard_seal()
  }

  /// A file that is loaded is asked for, for the first time perhaps.
  func notesAsk(for key: String, at path: String) {
    let company = preload.asks.company
    switch preload.asks.asks(for: key) {
    case .nothing: return
    case .company(let group): object(PreloadObjection(key: preload.asks.key(of: group), reason: .company))
    case .early(let group):
      object(
        PreloadObjection(
          key: preload.asks.key(of: group), reason: .early(preload.asks.key(of: group) == key ? "it" : key)))
    case .compare(let groups):
      cp_guard_look()
      for group in groups {
        guard let difference = cp_guard_difference(UInt32(group)) else { continue }
        object(
          PreloadObjection(
            key: preload.asks.key(of: group), reason: .changed(String(cString: difference))))
        break
      }
    }
    record(
      .entered(
        file: WorkingDirectory.absolute(path), key: key, surroundings: newSurroundings(), company: company),
      always: true)
  }

  /// The load is over: what the application has not asked for should not be there.
  func concludePreload() {
    for key in preload.asks.unasked { object(PreloadObjection(key: key, reason: .unasked)) }
    if !preload.objections.isEmpty { HostProcess.current?.channel.send(.objections(preload.objections)) }
    // What the checkpoints share stays where it is: to free it would copy its pages.
    if !preload.asks.isNatural { _ = Unmanaged.passRetained(Finished(preload)) }
    preload = .none
    cp_guard_forget()
  }

  private final class Finished {
    let preload: Preload
    init(_ preload: Preload) { self.preload = preload }
  }

  /// A `require` has found this file.
  func noteEntry(_ key: String, _ file: String) {
    let company = preload.asks.company
    preload.asks.loads(key)
    guard mode == .load, isAskedByApplication else { return }
    record(
      .entered(file: WorkingDirectory.absolute(file), key: key, surroundings: newSurroundings(), company: company),
      always: true)
  }

  /// The file of the order is loaded from where the application would find it.
  func checkPlace(of key: String, found: String?) {
    guard let present = preload.asks.presentFile, present.key == key, isAskedByPreload, found != present.file else {
      return
    }
    object(PreloadObjection(key: key, reason: .elsewhere(found)))
  }

  /// What a load finds now; nil if that is known.
  private func newSurroundings() -> PreloadOrder.Surroundings? {
    let (includeDigest, digest) = (cp_include_digest(), cp_environment_digest())
    if preload.surroundings != nil, includeDigest == preload.includeDigest, digest == preload.environmentDigest {
      return nil
    }
    preload.includeDigest = includeDigest
    let entries = Perl.includeDirectories()
    let includes = entries.contains(nil) ? nil : entries.compactMap(\.self)
    var surroundings = PreloadOrder.Surroundings(
      includes: includes, environment: preload.surroundings?.environment ?? [:])
    if digest != preload.environmentDigest {
      preload.environmentDigest = digest
      let now = Perl.environment()
      surroundings.environment = [:]
      for (name, value) in now where preload.environment[name] != value {
        surroundings.environment[name] = .some(value)
      }
      for name in preload.environment.keys where now[name] == nil { surroundings.environment[name] = .some(nil) }
    }
    if surroundings == preload.surroundings { return nil }
    preload.surroundings = surroundings
    return surroundings
  }

  /// What later surroundings are compared with.
  func noteEnvironment() {
    preload.environment = Perl.environment()
    preload.environmentDigest = cp_environment_digest()
  }

  private func object(_ objection: PreloadObjection) {
    if preload.collects {
      preload.objections.append(objection)
    } else {
      flush()
      HostProcess.current?.leave(with: objection)
    }
  }
}
