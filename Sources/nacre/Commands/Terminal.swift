import Glibc

/// Writes to standard output at once, so that what follows a pipe sees each line when it happens.
func show(_ bytes: [UInt8]) {
  var rest = bytes[...]
  while !rest.isEmpty {
    let count = rest.withUnsafeBytes { write(1, $0.baseAddress, $0.count) }
    if count < 0, errno == EINTR { continue }
    // Nobody reads any more.
    if count <= 0 { exit(0) }
    rest = rest.dropFirst(count)
  }
}

/// The terminal of this program.
enum Terminal {
  /// Its width in columns; 100 where there is none.
  static var width: Int {
    var size = winsize()
    return ioctl(1, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 20 ? Int(size.ws_col) : 100
  }
}

/// Paths as people read them: relative to where they are, if they lie below.
func shown(_ path: String) -> String {
  let here = absolutePath("")
  return here.count > 1 && path.hasPrefix(here) ? String(path.dropFirst(here.count)) : path
}

/// A sentence in which absolute paths stand, as people read it.
func shortened(_ sentence: String) -> String { sentence.replacing(absolutePath(""), with: "") }

/// `3 files`
func counted(_ number: Int, _ thing: String) -> String { number == 1 ? "1 \(thing)" : "\(number) \(thing)s" }
