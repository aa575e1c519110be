import Glibc

/// Paths that `nacre` answers by itself in development, whatever the application would say.
public enum ReservedPath {
  /// The stream of events that open error pages listen to.
  public static let events: StaticString = "/.nacre/events"

  /// Whether a request's path is one of them.
  public static func contains(_ path: UnsafeRawBufferPointer) -> Bool {
    path.count == events.utf8CodeUnitCount && memcmp(path.baseAddress!, events.utf8Start, path.count) == 0
  }
}
