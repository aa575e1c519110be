import Foundation
import Glibc
import Testing

@testable import Supervision

@Suite struct RuntimeFilesTests {
  @Test func mapsNameTheFilesWithCode() {
    let maps = """
      55d0-55d1 r--p 00000000 fe:01 100                        /usr/bin/perl
      55d1-55d2 r-xp 00001000 fe:01 100                        /usr/bin/perl
      7f00-7f01 r-xp 00001000 fe:01 101                        /usr/lib/lib perl.so.5.36 (deleted)
      7f02-7f03 r--p 00001000 fe:01 102                        /usr/lib/locale/C.utf8
      7f04-7f05 r-xp 00000000 00:00 0                          [vdso]
      7f06-7f07 rwxp 00000000 00:00 0
      """
    #expect(RuntimeFiles.mapped(maps) == ["/usr/bin/perl": false, "/usr/lib/lib perl.so.5.36": true])
  }

  @Test func ownProgramIsAmongTheFilesOfAProcess() throws {
    let files = RuntimeFiles(of: getpid(), and: [])
    #expect(files.marks.keys.contains { $0.contains("libc") })
    #expect(files.replaced().isEmpty)
  }

  @Test(arguments: ["renamed over", "written", "removed"]) func replacedFilesAreNamed(_ how: String) throws {
    let path = "/tmp/nacre-runtime-\(getpid())-\(how.suffix(2))"
    try Data("old".utf8).write(to: URL(fileURLWithPath: path))
    defer { unlink(path) }
    let files = RuntimeFiles(of: getpid(), and: [path])
    #expect(files.replaced().isEmpty)
    switch how {
    case "removed": unlink(path)
    case "written": try Data("newer".utf8).write(to: URL(fileURLWithPath: path))
    default:
      try Data("new".utf8).write(to: URL(fileURLWithPath: path + ".new"))
      #expect(rename(path + ".new", path) == 0)
    }
    #expect(files.replaced() == [path])
  }
}
