import Foundation
import Glibc
import Testing

/// What forked processes copy of the memory that they share.
@Suite(.lane) struct CopyTests {
  /// perl clears its cache of class names whenever a handle is made, so each worker would copy the pages of what the load
  /// has put into it.
  @Test func workersDoNotCopyWhatPerlHadCachedOfClasses() throws {
    let classes = """
      BEGIN { for (1 .. 20_000) { eval "package Some::Class::Number$_; sub name { 1 } __PACKAGE__->name; 1" or die } }
      """
    let site = try Site(["app.psgi": Site.app("do { open my $handle, '<', $0; $$ }", using: classes)])
    var options = ServerOptions.development
    options.workers = 1
    try site.serve(options) { server in
      let worker = try #require(pid_t(try server.text()))
      let mebibytes = try #require(Figures.memory("Private_Dirty", of: worker)) >> 20
      #expect(mebibytes < 5, "\(server)")
    }
  }

  /// Whether `MADV_COLLAPSE` finds a huge page: an older kernel does not know it, and memory may be in pieces.
  private static let isPossible: Bool = {
    let (page, collapse) = (2 << 20, Int32(25))
    guard let memory = mmap(nil, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
      memory != MAP_FAILED
    else { return false }
    defer { munmap(memory, 2 * page) }
    memset(memory, 1, 2 * page)
    let start = UnsafeMutableRawPointer(bitPattern: (UInt(bitPattern: memory) + UInt(page) - 1) & ~(UInt(page) - 1))
    return madvise(start, page, collapse) == 0
  }()

  @Test(.enabled(if: isPossible, "the kernel puts nothing into huge pages when asked"))
  func theCheckpointBeforeTheEditedFileIsReadyForQuickForks() throws {
    let site = try Site([
      "app.psgi": Site.app("Last->value", using: "use Large; use Last;"),
      "lib/Large.pm": "package Large; our @list = map { { text => \"text $_\" } } 1 .. 50_000; 1;\n",
      "lib/Last.pm": "package Last; sub value { 1 } 1;\n",
    ])
    try site.serve(ServerOptions.development) { server in
      #expect(try server.text() == "1", "\(server)")
      for value in 2...4 {
        try site.replace("lib/Last.pm", "package Last; sub value { \(value) } 1;\n")
        #expect(eventually { (try? server.text()) == "\(value)" }, "\(server)")
        #expect(
          eventually {
            server.checkpoints(before: "lib/Last.pm").contains {
              (Figures.memory("AnonHugePages", of: $0) ?? 0) >= 4 << 20
            }
          }, "\(server)")
      }
    }
  }
}
