import Glibc
import PerlRuntime
import ProcessProtocol
import ReloadModel
import SourceFiles

/// What a load leaves behind besides code.
extension LoadTracer {
  /// What the load has left open.
  ///
  /// - Parameter started: When the candidate was forked, in microseconds of ``Clock``.
  func summary(since started: UInt64) -> LoadSummary {
    LoadSummary(
      microseconds: Clock.microseconds() - started,
      sockets: shared.filter { Descriptors.kind(of: $0.number) == S_IFSOCK }.map {
        LoadSummary.SharedSocket(file: $0.file, description: OpenResources.describe(socket: $0.number))
      },
      databases: shared.filter { OpenResources.isDatabase($0.number) }.map {
        LoadSummary.SharedDatabase(file: $0.file, path: Descriptors.path(of: $0.number))
      },
      timer: OpenResources.Timers().areRunning)
  }

  /// Notes where a thread was started.
  func noteThreads(_ file: String) {
    let count = OpenResources.threadCount()
    guard count > 1, threadFailure == nil else { return }
    var line: UInt32 = 0
    let place = cp_thread_location(&line).map { WorkingDirectory.absolute(String(cString: $0)) }
    threadFailure = LoadFailure(
      cause: .thread, file: place ?? file, line: place == nil ? 0 : line,
      message: "a thread was started while \(file) loaded", status: Int32(count))
  }

  /// Notes the sockets and the files open for writing that a file has left. `lowestFree` is that of the time when its
  /// load began: the number of a socket may be one that the files it loaded were read through.
  func noteShared(_ file: String, since lowestFree: Int32) {
    guard Descriptors.lowestFree() != lowestFree else { return }
    for number in OpenResources.shared(Descriptors.opened()) where !shared.contains(where: { $0.number == number }) {
      shared.append((number, file))
    }
  }
}
