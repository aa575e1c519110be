import Glibc
import Switchboard

/// How many connections a server has room for.
struct ConnectionSlots {
  /// The most without `--max-connections`.
  private static let usual = 16384
  /// Places for those that are told that there are too many.
  private static let spare = 32

  /// The number of places.
  let count: Int
  /// The most connections that are served, where that is fewer than `--max-connections` asks for.
  let shortage: Int?

  /// As many as there are descriptors for, at most, with some left for everything else. Processes need one each, those of
  /// two generations at a time.
  ///
  /// - Parameter each: How many descriptors a connection takes.
  init(_ settings: ServerSettings, descriptorsEach each: Int) {
    var limit = rlimit()
    let descriptors =
      getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 ? Int(clamping: limit.rlim_cur) : 192
    self.init(
      wanted: settings.limits.connections, descriptors: descriptors,
      others: min(512, 64 + 2 * (settings.workers + settings.checkpoints)), each: each)
  }

  /// - Parameters:
  ///   - wanted: `--max-connections`; 0 for as many as can be had.
  ///   - descriptors: The most open files.
  ///   - others: How many of these are no connections.
  ///   - each: How many of these a connection takes.
  init(wanted: Int, descriptors: Int, others: Int, each: Int = 2) {
    let possible = max(8, (descriptors - others) / each)
    guard wanted > 0 else {
      (count, shortage) = (min(Self.usual, possible), nil)
      return
    }
    count = min(wanted + Self.spare, possible)
    shortage = wanted + Self.spare > possible ? max(1, possible - Self.spare) : nil
  }
}

extension SwitchboardSettings {
  /// Takes over what the command line says of clients.
  mutating func adopt(_ limits: ServerSettings.Limits, _ slots: ConnectionSlots) {
    let second = Supervisor.second
    maximumHead = limits.head
    maximumBody = limits.body > 0 ? UInt64(limits.body) : nil
    bodyTimeout = UInt64(limits.bodyTimeout) * second
    sendTimeout = UInt64(limits.sendTimeout) * second
    maximumConnections = limits.connections > 0 ? slots.shortage ?? limits.connections : nil
    maximumWaiting = limits.queue
  }
}
