import CLinux
import Glibc
import ProcessProtocol

/// What a load has opened that a fork would share or lose.
enum OpenResources {
  /// Why no checkpoint can stand here: a pipe, or a file open for writing without append. nil if one can.
  static func obstacle(_ numbers: [Int32]) -> String? {
    for number in numbers {
      guard let kind = Descriptors.kind(of: number) else { continue }
      if kind == S_IFIFO { return "a pipe is open (descriptor \(number))" }
      guard kind == S_IFREG else { continue }
      let flags = cl_get_status_flags(number)
      let path = Descriptors.path(of: number)
      // Anonymous memory (memfd) belongs to the process that made it, as its other memory does, but is shared too.
      if flags & O_ACCMODE != O_RDONLY && flags & O_APPEND == 0 { return "\(path) is open for writing" }
    }
    return nil
  }

  /// The number of threads of this process.
  static func threadCount() -> Int {
    var status = stat()
    // Each thread is a directory here: "." and ".." make two links, each thread one more.
    return stat("/proc/self/task", &status) == 0 ? Int(status.st_nlink) - 2 : 1
  }

  /// The sockets among these descriptors, and the files that are open for reading and writing.
  static func shared(_ numbers: [Int32]) -> [Int32] {
    numbers.filter { number in
      let kind = Descriptors.kind(of: number)
      return kind == S_IFSOCK || (kind == S_IFREG && cl_get_status_flags(number) & O_ACCMODE == O_RDWR)
    }
  }

  /// Whether an SQLite database is open for writing there (https://www.sqlite.org/fileformat.html, 1.3.1).
  static func isDatabase(_ number: Int32) -> Bool {
    guard Descriptors.kind(of: number) == S_IFREG, cl_get_status_flags(number) & O_ACCMODE == O_RDWR
    else { return false }
    return withUnsafeTemporaryAllocation(byteCount: 16, alignment: 1) { buffer in
      pread(number, buffer.baseAddress!, 16, 0) == 16 && buffer.elementsEqual("SQLite format 3\0".utf8)
    }
  }

  /// What a socket is connected or bound to, for a person.
  static func describe(socket fd: Int32) -> String {
    if let peer = address(fd, getpeername) { return "connected to \(peer)" }
    if let own = address(fd, getsockname) { return "bound to \(own)" }
    return "not connected"
  }

  private static func address(
    _ fd: Int32, _ ask: (Int32, UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> Int32
  ) -> String? {
    var storage = sockaddr_storage()
    var size = socklen_t(MemoryLayout<sockaddr_storage>.size)
    return withUnsafeMutableBytes(of: &storage) { bytes in
      let base = bytes.baseAddress!
      guard ask(fd, base.assumingMemoryBound(to: sockaddr.self), &size) == 0 else { return nil }
      if Int32(base.load(as: sa_family_t.self)) == AF_UNIX {
        guard size > 2, bytes[2] != 0 else { return nil }
        return String(cString: base.advanced(by: 2).assumingMemoryBound(to: CChar.self))
      }
      return withUnsafeTemporaryAllocation(of: CChar.self, capacity: 128) { text in
        let (host, port) = (text.baseAddress!, text.baseAddress! + 64)
        let numeric = NI_NUMERICHOST | NI_NUMERICSERV
        guard getnameinfo(base.assumingMemoryBound(to: sockaddr.self), size, host, 64, port, 64, numeric) == 0
        else { return nil }
        return "\(String(cString: host)):\(String(cString: port))"
      }
    }
  }

  /// The timers that a load has set (`alarm`, `setitimer`), which no fork inherits.
  struct Timers {
    private static let kinds = [ITIMER_REAL, ITIMER_VIRTUAL, ITIMER_PROF].map { __itimer_which_t($0.rawValue) }
    private var values: [itimerval] = []

    /// Notes what is set now.
    init() {
      for kind in Self.kinds {
        var value = itimerval()
        getitimer(kind, &value)
        values.append(value)
      }
    }

    /// Whether any is running.
    var areRunning: Bool { values.contains { $0.it_value.tv_sec != 0 || $0.it_value.tv_usec != 0 } }

    /// Sets them again in a forked process, with the time that was left.
    func arm() {
      for (kind, value) in zip(Self.kinds, values) where value.it_value.tv_sec != 0 || value.it_value.tv_usec != 0 {
        var value = value
        setitimer(kind, &value, nil)
      }
    }

    /// Stops every timer of this process.
    static func disarm() {
      for kind in kinds {
        var none = itimerval()
        setitimer(kind, &none, nil)
      }
    }
  }
}
