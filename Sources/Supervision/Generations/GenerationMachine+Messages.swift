import Glibc
import ProcessProtocol
import ReloadModel

extension GenerationMachine {
  /// What has happened.
  enum Event: Equatable {
    /// The server starts.
    case start
    /// A base is ready; what perl had loaded before Nacre.
    case baseReady(ProcessToken, loaded: [TraceEvent])
    /// The process of a candidate exists.
    case forked(ProcessToken)
    /// A process asked for does not exist, and why.
    case forkFailed(ProcessToken, message: String)
    /// A process that loads has left a checkpoint.
    case checkpointLeft(Checkpoint, by: ProcessToken)
    /// A process that loads has too many checkpoints.
    case checkpointsDropped(positions: [Int], by: ProcessToken)
    /// A process has loaded something: a candidate, or a worker while it served.
    case traced(ProcessToken, [TraceEvent])
    case loaded(ProcessToken)
    case failed(ProcessToken, LoadFailure)
    case workerReady(ProcessToken)
    /// A process is gone, and everything it sent has been handled.
    case ended(ProcessToken, Departure)
    /// The disk has been touched and is quiet again. `respawning` are files that no load reads, but that call for new
    /// workers.
    case touched(respawning: [String])
    /// What is at these paths says nothing any more: the application itself writes there.
    case stoppedFollowing([String])
    /// These files, which perl itself runs from, have been replaced.
    case upgraded([String])
    /// A person asks for a reload, whatever the disk says.
    case demanded
    /// A person asks for a cold start, from a new base.
    case coldStartDemanded
    /// A person asks for the generation before.
    case rollBackDemanded
    /// What an ``Action/look(_:)`` has found.
    case looked(Findings)
    /// Nothing has happened for a while, and ``GenerationMachine/wantsExamination``.
    case idle
    /// A load in a preload order has shown that the order is wrong. One that is no trial is over.
    case objected(ProcessToken, [PreloadObjection])
    /// A process has written a census: the number of names that differ from the censuses before it, and the first.
    case censusTaken(ProcessToken, differences: Int, first: String)
    /// The time of an ``Action/wake(afterSeconds:)`` is over.
    case woke
    /// The server stops: nothing is built any more, and the running generation serves what waits.
    case stop
    /// All that waited has been served.
    case drained
  }

  /// How a process left.
  struct Departure: Equatable {
    var ending: ProcessEnding
    /// Where it was in its Perl code, if its scoreboard cell tells.
    var file: String?
    var line: UInt32 = 0
    /// The seconds after which it was killed because it was still loading.
    var timeout: Int32?
    /// Where the start hook stands that it ran, as a worker that was not ready yet.
    var hook: LoadFailure.Step?
    /// Whether it ended within a second of its start.
    var isQuick = false

    /// Whether somebody from outside has ended it, or nobody knows how it ended: not the doing of the code in it. (The
    /// kernel, too, which was out of memory.)
    var isAccident: Bool { timeout == nil && [.killed(SIGKILL), .unknown].contains(ending) }
  }

  /// What is to be compared with the disk.
  enum Subject: Equatable {
    /// The running generation, what is ``GenerationMachine/unwanted``, and the base, all of each.
    case running
    /// The same, but only what may have changed since the last look: what was touched, what differed then, and what
    /// workers have loaded.
    case additions
    /// The candidate, where it may have changed.
    case candidate
    /// The generation that is being rolled back to, and the one that is rolled back from.
    case pin
  }

  /// The answer to a look.
  enum Findings: Equatable {
    case running(Difference, rejected: Difference, base: Difference)
    case candidate(Difference)
    case pin(Difference, former: Difference)
  }

  /// A generation that takes over.
  struct Promotion: Equatable {
    var generation: UInt64
    var way: Way
    var files: [String]
    var workers: Int
    /// Whether nothing was running before.
    var isFirst: Bool
    /// The number of the generation that loaded the code.
    var loadedAs: UInt64

    init(
      generation: UInt64, way: Way, files: [String], workers: Int, isFirst: Bool = false, loadedAs: UInt64? = nil
    ) {
      self.generation = generation
      self.way = way
      self.files = files
      self.workers = workers
      self.isFirst = isFirst
      self.loadedAs = loadedAs ?? generation
    }
  }

  /// What is to be done, in this order.
  enum Action: Equatable {
    case startBase(ProcessToken)
    case forkCandidate(ProcessToken, from: ProcessToken, generation: UInt64, plan: LoadPlan)
    /// As ``forkCandidate(_:from:generation:plan:)``, for a load that is only to show something.
    case forkTrial(ProcessToken, from: ProcessToken, generation: UInt64, plan: LoadPlan)
    /// Have the interpreter of a mold described and compared.
    case takeCensus(ProcessToken, from: ProcessToken, Examination.Census)
    /// The worker receives from the queue of `generation`.
    case forkWorker(ProcessToken, from: ProcessToken, generation: UInt64)
    /// End a suspended process by closing its channel.
    case close(ProcessToken)
    /// End a process that may not read its channel.
    case kill(ProcessToken)
    /// Watch what the subject has loaded, drain the watcher, compare with the disk, and come back with the findings.
    case look(Subject)
    case wake(afterSeconds: Int)
    case promote(Promotion)
    /// These workers of an older generation are to leave when they are idle.
    case retire([ProcessToken])
    /// So many workers of the running generation are ready now.
    case countWorkers(Int)
    /// Tell people; `running` goes on, if there is one.
    case reject(LoadFailure, generation: UInt64, running: UInt64?)
    /// The files of the running generation are back: the rejection is forgotten, without a reload.
    case forgive(running: UInt64)
    /// The running generation answers requests again, although the disk has something else: somebody rolled back from a
    /// failure to it.
    case resume(running: UInt64)
    /// What a person asked for cannot be done, and why: a sentence.
    case refuse(String)
    /// There is nothing to run, and nobody to wait for a save: end with this failure.
    case giveUp(LoadFailure, generation: UInt64)
    /// Tell people that all is well.
    case inform(String)
    /// Tell people, once.
    case report(String)
    /// Tell people each time.
    case warn(String)
  }
}
