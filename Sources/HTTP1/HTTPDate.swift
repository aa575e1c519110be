/// Dates as HTTP writes them (IMF-fixdate, RFC 9110, 5.6.7): `Sun, 06 Nov 1994 08:49:37 GMT`.
public enum HTTPDate {
  /// The length of every date in bytes.
  public static let length = 29

  /// Writes ``length`` bytes for the time `seconds` after the epoch (years 1970 to 9999; earlier and later times are
  /// written as the nearest of those). No locale, no time zone.
  public static func write(_ seconds: Int, to memory: UnsafeMutableRawPointer) {
    let time = min(max(seconds, 0), 253_402_300_799)
    let (days, second) = time.quotientAndRemainder(dividingBy: 86_400)
    let date = civilDate(days)
    let weekdays: StaticString = "ThuFriSatSunMonTueWed"
    let months: StaticString = "JanFebMarAprMayJunJulAugSepOctNovDec"
    let template: StaticString = "___, __ ___ ____ __:__:__ GMT"
    memory.copyMemory(from: template.utf8Start, byteCount: length)
    memory.copyMemory(from: weekdays.utf8Start + days % 7 * 3, byteCount: 3)
    writeTwoDigits(date.day, to: memory + 5)
    (memory + 8).copyMemory(from: months.utf8Start + (date.month - 1) * 3, byteCount: 3)
    writeTwoDigits(date.year / 100, to: memory + 12)
    writeTwoDigits(date.year % 100, to: memory + 14)
    writeTwoDigits(second / 3600, to: memory + 17)
    writeTwoDigits(second / 60 % 60, to: memory + 20)
    writeTwoDigits(second % 60, to: memory + 23)
  }

  /// The Gregorian date that many days after 1 January 1970. Years are counted from March, so that the leap day is a
  /// year's last; an era is 400 years (Hinnant, "chrono-compatible low-level date algorithms").
  private static func civilDate(_ days: Int) -> (year: Int, month: Int, day: Int) {
    let shifted = days + 719_468
    let era = shifted / 146_097
    let dayOfEra = shifted % 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let monthFromMarch = (5 * dayOfYear + 2) / 153
    let day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
    let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
    return (era * 400 + yearOfEra + (month <= 2 ? 1 : 0), month, day)
  }

  private static func writeTwoDigits(_ number: Int, to memory: UnsafeMutableRawPointer) {
    memory.storeBytes(of: UInt8(0x30 + number / 10), as: UInt8.self)
    memory.storeBytes(of: UInt8(0x30 + number % 10), toByteOffset: 1, as: UInt8.self)
  }
}

extension ByteBuffer {
  /// Appends the date of that many seconds after the epoch.
  public mutating func appendDate(_ seconds: Int) {
    HTTPDate.write(seconds, to: room(for: HTTPDate.length).baseAddress!)
    didWrite(HTTPDate.length)
  }
}
