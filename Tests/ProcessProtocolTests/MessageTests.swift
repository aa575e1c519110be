import ProcessProtocol
import Testing

@Suite struct MessageTests {
  @Test(arguments: Samples.commands) func commandSurvivesItsEncoding(command: Command) throws {
    #expect(try command.encoded().withUnsafeBytes { try Command(decoding: $0) } == command)
  }

  @Test(arguments: Samples.notices) func noticeSurvivesItsEncoding(notice: Notice) throws {
    #expect(try notice.encoded().withUnsafeBytes { try Notice(decoding: $0) } == notice)
  }

  @Test(arguments: Samples.commands) func truncatedCommandIsAnError(command: Command) {
    let bytes = command.encoded()
    for count in bytes.indices {
      #expect(throws: WireError.self) { try bytes[..<count].withUnsafeBytes { try Command(decoding: $0) } }
    }
  }

  @Test(arguments: Samples.notices) func truncatedNoticeIsAnError(notice: Notice) {
    let bytes = notice.encoded()
    for count in bytes.indices {
      #expect(throws: WireError.self) { try bytes[..<count].withUnsafeBytes { try Notice(decoding: $0) } }
    }
  }

  @Test func changedBytesAreAnErrorOrAnotherMessageButNeverACrash() {
    for bytes in Samples.notices.map({ $0.encoded() }) + Samples.commands.map({ $0.encoded() }) {
      for index in bytes.indices {
        for value in [0, 1, 0x7F, 0x80, 0xFF] as [UInt8] {
          var changed = bytes
          changed[index] = value
          changed.withUnsafeBytes {
            _ = try? Notice(decoding: $0)
            _ = try? Command(decoding: $0)
          }
        }
      }
    }
  }

  @Test func unknownMessageIsAnError() {
    for tag in [99, 200, Return.tag] as [UInt8] {
      #expect(throws: WireError.self) { try [tag, 0, 0].withUnsafeBytes { try Notice(decoding: $0) } }
      #expect(throws: WireError.self) { try [tag, 0, 0].withUnsafeBytes { try Command(decoding: $0) } }
    }
  }

  @Test func noNoticeBeginsLikeAReturn() {
    #expect(Samples.notices.allSatisfy { $0.encoded()[0] != Return.tag })
  }

  @Test func bytesThatAreNotUTF8AreReplaced() throws {
    var bytes = Notice.report("abc").encoded()
    bytes[bytes.count - 2] = 0xFF
    #expect(try bytes.withUnsafeBytes { try Notice(decoding: $0) } == .report("a\u{FFFD}c"))
  }

  @Test func integersKeepTheirWidthAndSign() throws {
    var writer = WireWriter()
    writer.write(Int64.min)
    writer.write(UInt16.max)
    writer.write(Int32(-1))
    writer.write(true)
    #expect(writer.bytes.count == 15)
    try writer.bytes.withUnsafeBytes {
      var reader = WireReader($0)
      let values = (
        try reader.read(Int64.self), try reader.read(UInt16.self), try reader.read(Int32.self), try reader.readBool()
      )
      #expect(values == (.min, .max, -1, true))
      #expect(reader.remaining == 0)
      #expect(throws: WireError.self) { try reader.readBool() }
    }
  }
}
