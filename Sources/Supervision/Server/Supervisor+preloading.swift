import CLinux
import Glibc
import ProcessProtocol
import ReloadModel
import Switchboard

/// The descriptor of a file without a name, in which a Perl process describes itself.
final class CensusFile {
  /// Whose census it is.
  enum Place: Hashable { case running, trial, second }

  let descriptor: Int32

  init?() {
    descriptor = cl_memfd("nacre-census")
    if descriptor < 0 { return nil }
  }

  deinit { close(descriptor) }
}

/// What is done in the background, while nothing else is to be done.
extension Supervisor {
  /// How long nothing must have happened. Long enough for the next save of somebody who saves again and again.
  private static let idleTime = second

  /// Whether the process only shows how the application loads.
  func isOfExamination(_ process: PerlProcess) -> Bool {
    machine.preloading.examination?.isAbout(process.token) ?? false
  }

  /// Has the machine told when there is something to be found out and nothing has happened for a while.
  func awaitIdleness() {
    guard machine.wantsExamination, isFresh, hasBegun, stopping == .no else {
      if let idleTimer { loop.cancel(idleTimer) }
      idleTimer = nil
      return
    }
    guard idleTimer == nil else { return }
    idleTimer = loop.after(Self.idleTime) { [unowned self] in
      idleTimer = nil
      noticeTouches()
      guard isFresh, machine.wantsExamination else { return awaitIdleness() }
      handle(.idle)
    }
  }

  /// How much later than the trial the second load begins: what is the time in one must not be it in the other.
  private static let delay = second + second / 5

  func forkTrial(_ token: ProcessToken, from origin: ProcessToken, generation: UInt64, plan: LoadPlan) {
    guard machine.preloading.examination?.second == token else {
      return forkTrialNow(token, from: origin, generation: generation, plan: plan)
    }
    loop.after(Self.delay) { [unowned self] in
      guard machine.preloading.examination?.second == token else { return }
      forkTrialNow(token, from: origin, generation: generation, plan: plan)
    }
  }

  private func forkTrialNow(_ token: ProcessToken, from origin: ProcessToken, generation: UInt64, plan: LoadPlan) {
    guard let cell = takeCell() else {
      handle(.forkFailed(token, message: "no cell of the scoreboard is free"))
      return
    }
    order(
      token, .candidate(cell: cell), from: origin,
      .forkCandidate(generation: generation, token: token.number, cell: UInt32(cell), plan: plan))
  }

  func takeCensus(_ token: ProcessToken, from mold: ProcessToken, _ census: Examination.Census) {
    let (place, others, firstIsNatural): (CensusFile.Place, [CensusFile.Place], Bool) =
      switch census {
      case .running: (.running, [], true)
      case .trial: (.trial, [.running], true)
      case .second(let runningIsNatural): (.second, [.running, .trial], runningIsNatural)
      }
    guard let file = CensusFile() else {
      handle(.forkFailed(token, message: "\(SystemError("make a file in memory"))"))
      return
    }
    censuses[place] = file
    let files = [file] + others.compactMap { censuses[$0] }
    order(
      token, .census, from: mold, .takeCensus(token: token.number, firstIsNatural: firstIsNatural),
      files.map(\.descriptor))
  }
}
