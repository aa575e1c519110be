import CLinux
import Glibc

/// One descriptor that is kept open for nothing, so that a program whose descriptors are used up by connections can still
/// look at a file: otherwise every file would seem to have changed.
///
/// For programs with one thread. Where nobody keeps one, as in a Perl process, nothing is spared.
public enum SpareDescriptor {
  nonisolated(unsafe) private static var descriptor: Int32 = -1

  /// Keeps one from now on, if there is one to be had.
  public static func keep() {
    if descriptor < 0 { descriptor = open("/dev/null", O_RDONLY | O_CLOEXEC) }
  }

  /// Calls `body`, which opens something and closes it again; a second time with the spared descriptor if it returns nil
  /// because no descriptor is left.
  static func sparing<Result>(_ body: () -> Result?) -> Result? {
    if let result = body() { return result }
    guard errno == EMFILE || errno == ENFILE, descriptor >= 0 else { return nil }
    close(descriptor)
    descriptor = -1
    defer {
      let code = errno
      keep()
      errno = code
    }
    return body()
  }
}
