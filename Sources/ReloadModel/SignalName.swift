/// Names of signals, for people.
public enum SignalName {
  /// `signal 11 (SIGSEGV)`; the number alone where the name is not well known.
  public static func of(_ number: Int32) -> String {
    names[number].map { "signal \(number) (\($0))" } ?? "signal \(number)"
  }

  /// Linux, the numbers that are the same on x86-64 and arm64.
  private static let names: [Int32: String] = [
    1: "SIGHUP", 2: "SIGINT", 3: "SIGQUIT", 4: "SIGILL", 5: "SIGTRAP", 6: "SIGABRT", 7: "SIGBUS", 8: "SIGFPE",
    9: "SIGKILL", 10: "SIGUSR1", 11: "SIGSEGV", 12: "SIGUSR2", 13: "SIGPIPE", 14: "SIGALRM", 15: "SIGTERM",
    16: "SIGSTKFLT", 19: "SIGSTOP", 20: "SIGTSTP", 21: "SIGTTIN", 22: "SIGTTOU", 24: "SIGXCPU", 25: "SIGXFSZ",
    31: "SIGSYS",
  ]
}
