import CLinux
import FileWatching
import Glibc
import ProcessProtocol
import ReloadModel
import SourceFiles
import Switchboard

/// What people are told of a load that failed.
extension Supervisor {
  func reject(_ failure: LoadFailure, generation: UInt64, running: UInt64?) {
    // There is a server that does better than to answer with a report.
    if isAwaited, running == nil { return giveUp(failure, generation: generation) }
    let answers = freshness.holdsRequests || running == nil
    let report = FailureReport(
      failure, generation: generation,
      meanwhile: answers ? .answersWithReport(generation: running) : .serves(generation: running ?? 0),
      scene: scene(of: failure))
    // What is tried again every second is told once.
    let isOld = machine.rejection?.isTriedAgain == true && toldRejection == failure
    if !isOld { log.fail(report.terminal) }
    toldRejection = failure
    if answers { switchboard.answer = answer(report) }
    begin()
  }

  func forgive(_ generation: UInt64) {
    switchboard.answer = nil
    log.inform("the files of generation \(generation) are back, and it goes on")
  }

  func giveUp(_ failure: LoadFailure, generation: UInt64) {
    let report = FailureReport(
      failure, generation: generation, meanwhile: isAwaited ? .leavesToOther : .leaves, scene: scene(of: failure))
    log.fail(report.terminal)
    settings.life.predecessor?.refuse(report.brief)
    finish(status: 1)
  }

  private func answer(_ report: FailureReport) -> FailureAnswer {
    rejections += 1
    let name = "\(identity)-\(rejections)"
    let stream = FailurePage.Stream(
      path: "\(ReservedPath.events)", state: FailureAnswer.state(named: name))
    let nonce = (0..<2).map { _ in String(UInt64.random(in: .min ... .max), radix: 36) }.joined()
    func html(isForm: Bool) -> [UInt8] {
      Array(FailurePage(report, stream: stream, isForm: isForm, nonce: nonce).html.utf8)
    }
    return FailureAnswer(
      name: name,
      page: .init(
        html: html(isForm: false), formHTML: html(isForm: true), policy: FailurePage.policy(nonce: nonce)),
      text: Array(report.text.utf8))
  }

  private func scene(of failure: LoadFailure) -> FailureScene {
    var scene = FailureScene(of: failure, read: readSource)
    scene.directories = [settings.applicationFile.map(directory(of:)), absolute(".")].compactMap(\.self)
      .filter { !$0.isEmpty && $0 != "/" }
    scene.time = clockTime(time(nil))
    scene.runningSince = runningSince.map(clockTime)
    return scene
  }
}

/// The largest source file that is read for a report. The loop waits meanwhile.
private let largestSource = 4 * 1024 * 1024

/// The bytes of a source file; nil if it cannot be read, is huge or is no regular file.
private func readSource(_ file: String) -> [UInt8]? {
  // A FIFO must not keep the loop waiting.
  let descriptor = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
  guard descriptor >= 0 else { return nil }
  defer { close(descriptor) }
  var status = stat()
  guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_size <= largestSource else {
    return nil
  }
  return [UInt8](unsafeUninitializedCapacity: largestSource) { buffer, count in
    while count < largestSource {
      let read = Glibc.read(descriptor, buffer.baseAddress! + count, largestSource - count)
      if read < 0, errno == EINTR { continue }
      guard read > 0 else { break }
      count += read
    }
  }
}

/// A time of today for people: `14:05:33`, in the machine's time zone.
private func clockTime(_ seconds: Int) -> String {
  var (seconds, time) = (seconds, tm())
  localtime_r(&seconds, &time)
  return [time.tm_hour, time.tm_min, time.tm_sec].map { ($0 < 10 ? "0" : "") + "\($0)" }.joined(separator: ":")
}
