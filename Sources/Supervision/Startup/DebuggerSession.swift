import Glibc

/// What perl's debugger is told for a session with a server (`-d`).
public enum DebuggerSession {
  /// Sees to it that the debugger can talk to somebody, and to nobody too often.
  ///
  /// - Throws: ``StartupError`` if there is neither a terminal nor the address of somebody who listens.
  public static func prepare() throws(StartupError) {
    let given = getenv("PERLDB_OPTS").map { String(cString: $0) } ?? ""
    let terminal = open("/dev/tty", O_RDWR | O_CLOEXEC)
    if terminal >= 0 { close(terminal) }
    guard terminal >= 0 || given.contains("RemotePort") else {
      throw StartupError(
        "-d needs a terminal, or a listener that the debugger can connect to: nc -l 4444, and then "
          + "PERLDB_OPTS=RemotePort=localhost:4444 nacre -d ...")
    }
    setenv("PERLDB_OPTS", options(given), 1)
  }

  /// The person's options, and where they say nothing: no terminal for each fork, no prompt at each worker's end.
  static func options(_ given: String) -> String {
    let missing = ["CreateTTY=0", "inhibit_exit=0"].filter { option in
      !given.contains(option.prefix { $0 != "=" })
    }
    return ([given] + missing).filter { !$0.isEmpty }.joined(separator: " ")
  }
}
