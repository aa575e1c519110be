import CLinux
import Glibc
import PerlRuntime
import ProcessProtocol
import ReloadModel
import SourceFiles

/// What a process is to load as a candidate.
struct CandidateOrder {
  let generation: UInt64
  let token: UInt32
  let cell: UInt32
  let plan: LoadPlan

  /// Nil if the command is another one.
  init?(_ command: Command) {
    guard case .forkCandidate(let generation, let token, let cell, let plan) = command else { return nil }
    (self.generation, self.token, self.cell, self.plan) = (generation, token, cell, plan)
  }
}

/// A candidate that a checkpoint has forked ahead of the order, as the checkpoint knows it. `nacre` hears of it with the
/// order; until then the checkpoint has `nacre`'s end of its channel, so it leaves together with the checkpoint.
struct Standby {
  /// `nacre`'s end of its channel.
  let channelsEnd: Int32

  /// How long it waits for the order before it gives its memory back, in milliseconds: half an hour.
  static let patience: Int32 = 1_800_000

  /// Hands the order on. False if the process is gone.
  func goesOn(with command: Command) -> Bool {
    let bytes = command.encoded()
    while true {
      if cl_send_message(channelsEnd, bytes, bytes.count, nil, 0, 0) >= 0 { return true }
      if errno != EINTR { return false }
    }
  }
}

extension HostProcess {
  /// Forks a candidate ahead of the order, which then has neither the fork nor the copies of pages before it: those are
  /// most of the time that a few files take to load. Returns an order in that candidate only.
  func standBy(_ standby: inout Standby?, before file: String) -> CandidateOrder? {
    switch forkApart(.candidate) {
    case .inOrigin(let channelsEnd):
      standby = Standby(channelsEnd: channelsEnd)
      return nil
    case .failed(_, let isHurt):
      if isHurt { _exit(1) }
      return nil
    case .inFork:
      cp_show_as("nacre checkpoint before \(file), standing by")
      ownPages()
      guard channel.hasNews(within: Standby.patience), let command = channel.receive()?.command,
        let order = CandidateOrder(command)
      else { _exit(0) }
      arrived = Clock.microseconds()
      // What has been replaced on the disk since.
      reopen(ReadingFiles(Descriptors.opened()), as: .candidate)
      return order
    }
  }
}
