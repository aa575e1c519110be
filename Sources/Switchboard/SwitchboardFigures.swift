/// How many connections there are and were.
public struct SwitchboardFigures: Equatable, Sendable {
  /// Connections that were accepted so far.
  public var accepted = 0
  /// Those with a request on its way in, waiting or being served, or a response on its way out.
  public var active = 0
  /// Those without a request.
  public var parked = 0
  /// Those of error pages that wait for news.
  public var streaming = 0
  /// The answers that `nacre` has given by itself, by status.
  public var answers: [Int: Int] = [:]

  /// Nothing.
  public init() {}
}

extension Switchboard {
  /// The figures as they are now.
  public var figures: SwitchboardFigures {
    var figures = SwitchboardFigures()
    figures.accepted = accepted
    figures.active = inFlight
    figures.parked = deadlines.count(.idle)
    figures.streaming = streams.count
    figures.answers = answers
    return figures
  }
}
