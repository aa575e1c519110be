public import ProcessProtocol
public func serve(_ application: OpaquePointer, in seat: WorkerSeat) -> WorkerEnd { .queueEnded }
