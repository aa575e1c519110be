import Glibc

/// Times of loads, and of files.
public enum Clock {
  /// Microseconds since some fixed moment; the clock is never set.
  public static func microseconds() -> UInt64 { UInt64(nanoseconds(CLOCK_MONOTONIC) / 1000) }

  /// Nanoseconds since the epoch, by the clock that files' times are taken from.
  public static func wallNanoseconds() -> Int64 { nanoseconds(CLOCK_REALTIME) }

  private static func nanoseconds(_ clock: clockid_t) -> Int64 {
    var time = timespec()
    clock_gettime(clock, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
  }
}
