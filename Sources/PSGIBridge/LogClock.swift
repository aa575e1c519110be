import Glibc
import HTTP1

/// The time of day as logs show it, made once a second.
struct LogClock: ~Copyable {
  private var second = -1
  private var local = ByteBuffer()
  private var utc = ByteBuffer()
  private static let months: [StaticString] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
  ]

  /// Appends local time with its distance to UTC: `30/Nov/2026:16:51:00 +0100`.
  mutating func appendLocal(to line: inout ByteBuffer) {
    renew()
    line.append(local.bytes)
  }

  /// Appends UTC: `2026-11-30T15:51:00Z`.
  mutating func appendUTC(to line: inout ByteBuffer) {
    renew()
    line.append(utc.bytes)
  }

  private mutating func renew() {
    var now = time(nil)
    guard now != second else { return }
    second = now
    var parts = tm()
    localtime_r(&now, &parts)
    local.truncate()
    local.appendTwo(parts.tm_mday, "/")
    // Not strftime, whose months are those of a locale.
    local.append(Self.months[Int(parts.tm_mon)])
    local.append("/")
    local.append(Int(parts.tm_year) + 1900)
    local.append(":")
    local.appendTime(parts)
    let minutes = abs(parts.tm_gmtoff) / 60
    local.append(parts.tm_gmtoff < 0 ? " -" : " +")
    local.appendTwo(Int32(minutes / 60), "")
    local.appendTwo(Int32(minutes % 60), "")
    gmtime_r(&now, &parts)
    utc.truncate()
    utc.append(Int(parts.tm_year) + 1900)
    utc.append("-")
    utc.appendTwo(parts.tm_mon + 1, "-")
    utc.appendTwo(parts.tm_mday, "T")
    utc.appendTime(parts)
    utc.append("Z")
  }
}

extension ByteBuffer {
  fileprivate mutating func appendTwo(_ number: Int32, _ end: StaticString) {
    if number < 10 { append("0") }
    append(Int(number))
    append(end)
  }

  fileprivate mutating func appendTime(_ parts: tm) {
    appendTwo(parts.tm_hour, ":")
    appendTwo(parts.tm_min, ":")
    appendTwo(parts.tm_sec, "")
  }
}
