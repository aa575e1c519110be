/// Where the server tells people what it does. Each text is a sentence or a report of several lines, without a line
/// end.
public protocol ServerLog: AnyObject {
  /// Something happened as it should.
  func inform(_ text: String)
  /// Something that a person may want to put right.
  func warn(_ text: String)
  /// Something that a person must put right.
  func fail(_ text: String)
}
