package io.sluice.training.pipeline;

import io.sluice.config.progress.Progress;
import io.sluice.recurrent.pipeline.Examples;
import io.sluice.recurrent.pipeline.StageLinks;
import io.sluice.recurrent.pipeline.Unit;
import io.sluice.training.allreduce.Numbers;
import io.sluice.training.allreduce.PeerLostException;
import io.sluice.training.allreduce.WireFormat;
import io.sluice.training.checkpoint.StagePart;
import io.sluice.training.checkpoint.StageParts;
import io.sluice.training.transport.Endpoint;
import io.sluice.training.transport.GroupKey;
import io.sluice.training.transport.Link;
import io.sluice.training.transport.TransportSettings;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.bytedeco.javacpp.Pointer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The links of one pipeline stage: to the stages below and above it in its replica, and to the
 * first one, for what becomes of checkpoints and, from the last one, for the rows of an embedding
 * that the head is tied to.
 *
 * <p>What is sent is copied into memory of the links and travels while the stage computes; what
 * arrives waits in such memory until the stage asks for it. How much that can be is bounded by the
 * schedule: a stage runs ahead of the one above by a few units and never more.
 *
 * <p>The first failure, of any stage that it is linked with, is that of every wait that follows.
 */
public final class LinkedStages implements StageLinks, Endpoint.Listener, AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(LinkedStages.class);

  /** What a stage that waits is woken with when nothing will come any more. */
  private static final Arrived NOTHING = new Arrived(null, null);

  private record Arrived(StageMessage message, NativeRooms.Room body) {}

  private final int replica;
  private final int stage;
  private final int stages;
  private final WireFormat wire;
  private final Duration deadline;
  private final StageParts parts;
  private final Endpoint endpoint;
  private final NativeRooms rooms = new NativeRooms();
  private final Numbers numbers = new Numbers();
  private final LinkedBlockingQueue<Arrived> fromBelow = new LinkedBlockingQueue<>();
  private final LinkedBlockingQueue<Arrived> fromAbove = new LinkedBlockingQueue<>();

  /** From the other end of the pipeline, on the first stage and the last. */
  private final LinkedBlockingQueue<Arrived> tied = new LinkedBlockingQueue<>();

  private final Map<Integer, Link> links = new ConcurrentHashMap<>();
  private final CompletableFuture<Void> above = new CompletableFuture<>();
  private final Set<Integer> left = ConcurrentHashMap.newKeySet();
  private volatile PeerLostException failure;

  /**
   * Listens from now on.
   *
   * @param transport accepts bodies as long as the longest that a neighbour sends
   * @param stages P
   * @param wire how activations and their gradients travel; the same on all stages
   * @param deadline of a wait
   * @param parts told of parts of checkpoints on the first stage
   * @throws IOException if the port cannot be had
   */
  public LinkedStages(
      TransportSettings transport,
      int replica,
      int stage,
      int stages,
      GroupKey key,
      WireFormat wire,
      Duration deadline,
      StageParts parts)
      throws IOException {
    this.replica = replica;
    this.stage = stage;
    this.stages = stages;
    this.wire = wire;
    this.deadline = deadline;
    this.parts = parts;
    this.endpoint = Endpoint.listen(transport, name(stage), key, this);
  }

  private String name(int stage) {
    return "pipeline stage %d of replica %d".formatted(stage, replica);
  }

  /** Where other stages reach this one: "host:port". */
  public String address() {
    return endpoint.address();
  }

  /**
   * Links this stage with the one below and the first one, and waits for the one above.
   *
   * @param addresses of the replica's stages
   * @throws PeerLostException if one cannot be reached, or has not come within the patience
   */
  public void join(List<String> addresses, Duration patience) throws InterruptedException {
    long end = System.nanoTime() + patience.toNanos();
    if (stage > 0) {
      connect(stage - 1, addresses, patience);
    }
    if (stage > 1) {
      connect(0, addresses, Duration.ofNanos(Math.max(1, end - System.nanoTime())));
    }
    if (stage == stages - 1) {
      return;
    }
    try {
      above.get(end - System.nanoTime(), TimeUnit.NANOSECONDS);
    } catch (TimeoutException e) {
      throw failed(
          stage + 1,
          "%s did not connect to %s within %s. See its executor's log; raise train.gradient-sharing.join-timeout if hosts start slowly."
              .formatted(capital(name(stage + 1)), name(stage), Progress.words(patience)));
    } catch (ExecutionException e) {
      throw new IllegalStateException("nothing completes it so", e);
    }
    link(stage + 1); // unless something failed meanwhile
  }

  private void connect(int other, List<String> addresses, Duration patience) {
    try {
      links.put(other, endpoint.connect(addresses.get(other), name(other), patience));
    } catch (IOException e) {
      throw failed(other, capital(e.getMessage()));
    }
  }

  @Override
  public void joined(Link link) {
    for (int other = stage + 1; other < stages; other++) {
      if (link.peer().equals(name(other)) && (other == stage + 1 || stage == 0)) {
        links.put(other, link);
        if (other == stage + 1) {
          above.complete(null);
        }
        return;
      }
    }
    for (int other = 0; other < stage; other++) {
      if (link.peer().equals(name(other))) {
        return; // opened from here
      }
    }
    LOG.warn("{} has no use for a link with {}", name(stage), link.peer());
    link.close();
  }

  // ---- what arrives, on the endpoint's thread

  @Override
  public Endpoint.Body received(Link link, ByteBuffer head, int bodyBytes) {
    int from = stageOf(link);
    StageMessage message;
    try {
      message = StageMessage.of(head, bodyBytes);
    } catch (IllegalArgumentException e) {
      // nobody is told of a link that is closed from here
      fail(from, "%s sent what is no message: %s".formatted(capital(link.peer()), e.getMessage()));
      link.close();
      return null;
    }
    if (!message.kind().hasBody()) {
      take(from, message);
      return null;
    }
    NativeRooms.Room room = rooms.take(bodyBytes);
    ByteBuffer filled = room.asBytes();
    return (piece, last) -> {
      filled.put(piece);
      if (last) {
        (message.kind() == StageMessage.Kind.TIED ? tied : queue(from))
            .add(new Arrived(message, room));
      }
    };
  }

  private void take(int from, StageMessage message) {
    switch (message.kind()) {
      case HEADER, DONE -> queue(from).add(new Arrived(message, null));
      case PART -> {
        StagePart part = message.part();
        if (stage == 0 && part.stage() == from) {
          parts.told(part);
        } else {
          fail(
              from,
              "%s spoke of the part of a checkpoint that stage %d wrote"
                  .formatted(capital(name(from)), part.stage()));
        }
      }
      case ABORT -> fail(from, message.reason());
      case LEAVING -> {
        left.add(from);
        if (Math.abs(from - stage) == 1) {
          queue(from).add(NOTHING);
        }
        if (from == otherEnd()) {
          tied.add(NOTHING);
        }
      }
      case EXAMPLES, ACTIVATIONS, GRADIENTS, TIED ->
          throw new IllegalStateException("its body is waited for");
    }
  }

  private int otherEnd() {
    return stage == 0 ? stages - 1 : 0;
  }

  private LinkedBlockingQueue<Arrived> queue(int from) {
    return from < stage ? fromBelow : fromAbove;
  }

  private int stageOf(Link link) {
    for (int other = 0; other < stages; other++) {
      if (other != stage && link.peer().equals(name(other))) {
        return other;
      }
    }
    throw new IllegalStateException("a link with %s".formatted(link.peer()));
  }

  @Override
  public void lost(Link link, String reason) {
    int other = stageOf(link);
    if (!left.contains(other)) {
      fail(other, "%s was lost: it %s".formatted(capital(name(other)), reason));
    }
  }

  private void fail(int other, String message) {
    failed(other, message);
  }

  private synchronized PeerLostException failed(int other, String message) {
    if (failure == null) {
      failure = new PeerLostException(name(other), message);
      parts.abort(message);
      above.complete(null);
      fromBelow.add(NOTHING);
      fromAbove.add(NOTHING);
      tied.add(NOTHING);
    }
    return failure;
  }

  /** Tells the stages that this one is linked with that it fails, and why. */
  public void abort(String reason) {
    // whoever heard of another's failure passes that on
    String message =
        failure != null
            ? failure.getMessage()
            : "%s failed: %s".formatted(capital(name(stage)), reason);
    ByteBuffer head = StageMessage.abort(message);
    links.values().forEach(link -> link.send(head.duplicate()));
    failed(stage, message);
  }

  // ---- for the stage's thread

  @Override
  public void send(Header header) {
    link(stage + 1).send(StageMessage.header(header));
  }

  @Override
  public Header receiveHeader() {
    return next(fromBelow, StageMessage.Kind.HEADER, stage - 1, "the header of a step")
        .message
        .header();
  }

  @Override
  public void send(int microBatch, Examples examples) {
    NativeRooms.Room room = rooms.take(StageMessage.examplesBytes(examples));
    StageMessage.examplesBody(examples, room.asBytes());
    link(stage + 1)
        .send(StageMessage.examples(microBatch, examples), room.asBytes(), room::release);
  }

  @Override
  public Examples receiveExamples(int microBatch) {
    Arrived arrived =
        next(
            fromBelow,
            StageMessage.Kind.EXAMPLES,
            stage - 1,
            "the examples of micro-batch %d".formatted(microBatch));
    try {
      return arrived.message.examples(microBatch, arrived.body.asBytes());
    } catch (IllegalArgumentException e) {
      throw failed(
          stage - 1,
          "%s sent no examples of micro-batch %d: %s"
              .formatted(capital(name(stage - 1)), microBatch, e.getMessage()));
    } finally {
      arrived.body.release();
    }
  }

  @Override
  public void sendUp(Unit unit, Pointer activations, long n) {
    send(stage + 1, StageMessage.Kind.ACTIVATIONS, unit, activations, n);
  }

  @Override
  public void receiveFromBelow(Unit unit, Pointer activations, long n) {
    receive(fromBelow, stage - 1, StageMessage.Kind.ACTIVATIONS, unit, activations, n);
  }

  @Override
  public void sendDown(Unit unit, Pointer gradients, long n) {
    send(stage - 1, StageMessage.Kind.GRADIENTS, unit, gradients, n);
  }

  @Override
  public void receiveFromAbove(Unit unit, Pointer gradients, long n) {
    receive(fromAbove, stage + 1, StageMessage.Kind.GRADIENTS, unit, gradients, n);
  }

  @Override
  public void sendTied(Pointer rows, long n) {
    NativeRooms.Room room = rooms.take(Math.toIntExact(n * Float.BYTES));
    Pointer.memcpy(room.memory(), rows, n * Float.BYTES);
    link(otherEnd()).send(StageMessage.tied(), room.asBytes(), room::release);
  }

  @Override
  public void receiveTied(Pointer rows, long n) {
    String what = "rows of an embedding";
    Arrived arrived = next(tied, StageMessage.Kind.TIED, otherEnd(), what);
    try {
      if (arrived.body.bytes() != n * Float.BYTES) {
        throw failed(
            otherEnd(),
            "%s sent %s in %,d bytes in place of %,d"
                .formatted(capital(name(otherEnd())), what, arrived.body.bytes(), n * Float.BYTES));
      }
      Pointer.memcpy(rows, arrived.body.memory(), n * Float.BYTES);
    } finally {
      arrived.body.release();
    }
  }

  @Override
  public void sendDone() {
    link(stage - 1).send(StageMessage.done());
  }

  @Override
  public void receiveDone() {
    next(fromAbove, StageMessage.Kind.DONE, stage + 1, "that a batch of the validation is done");
  }

  /** Tells the first stage how a part of a checkpoint went; on any thread. */
  public void tell(StagePart part) {
    Link first = links.get(0);
    if (failure != null || first == null) {
      throw failure != null ? failure : new IllegalStateException("not linked with stage 0");
    }
    first.send(StageMessage.part(part));
  }

  private void send(int to, StageMessage.Kind kind, Unit unit, Pointer from, long n) {
    NativeRooms.Room room = rooms.take(Math.toIntExact(n * wire.bytes()));
    if (wire == WireFormat.F32) {
      Pointer.memcpy(room.memory(), from, n * Float.BYTES);
    } else {
      numbers.narrow(
          StageMessage.bytes(from, n).asFloatBuffer(), 0, (int) n, room.asBytes(), false);
    }
    link(to).send(StageMessage.unit(kind, unit), room.asBytes(), room::release);
  }

  private void receive(
      LinkedBlockingQueue<Arrived> queue,
      int from,
      StageMessage.Kind kind,
      Unit unit,
      Pointer to,
      long n) {
    Arrived arrived = next(queue, kind, from, unit.toString());
    try {
      if (!arrived.message.isOf(unit) || arrived.body.bytes() != n * wire.bytes()) {
        throw failed(
            from,
            "%s sent %s of %s in %,d bytes in place of %s in %,d"
                .formatted(
                    capital(name(from)),
                    kind.words(),
                    arrived.message.place(),
                    arrived.body.bytes(),
                    unit,
                    n * wire.bytes()));
      }
      if (wire == WireFormat.F32) {
        Pointer.memcpy(to, arrived.body.memory(), n * Float.BYTES);
      } else {
        numbers.put(
            wire, StageMessage.bytes(to, n).asFloatBuffer(), 0, arrived.body.asBytes(), (int) n);
      }
    } finally {
      arrived.body.release();
    }
  }

  private Arrived next(
      LinkedBlockingQueue<Arrived> queue, StageMessage.Kind kind, int from, String what) {
    link(from); // whatever has come meanwhile, the first failure is that of every wait
    Arrived arrived;
    try {
      arrived = queue.poll(deadline.toMillis(), TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("Interrupted while waiting for " + name(from), e);
    }
    if (arrived == NOTHING || failure != null) {
      PeerLostException first =
          failed(from, "%s left before it sent %s".formatted(capital(name(from)), what));
      throw new PeerLostException(first.peer(), first.getMessage());
    }
    if (arrived == null) {
      throw failed(
          from,
          "%s did not send %s within %s. Look at its executor's log; if a step takes that long, raise train.gradient-sharing.step-timeout."
              .formatted(capital(name(from)), what, Progress.words(deadline)));
    }
    if (arrived.message.kind() != kind) {
      throw failed(
          from,
          "%s sent %s in place of %s"
              .formatted(capital(name(from)), arrived.message.kind().words(), what));
    }
    return arrived;
  }

  private Link link(int other) {
    PeerLostException first = failure;
    if (first != null) {
      throw new PeerLostException(first.peer(), first.getMessage());
    }
    return links.get(other);
  }

  private static String capital(String text) {
    return text.substring(0, 1).toUpperCase(java.util.Locale.ROOT) + text.substring(1);
  }

  /** Bytes that this stage has sent so far, with all that goes around the numbers. */
  public long bytesSent() {
    return links.values().stream().mapToLong(Link::bytesSent).sum();
  }

  /** Lets what was sent reach the others, and leaves. */
  @Override
  public void close() {
    if (failure == null) {
      links.values().forEach(link -> link.send(StageMessage.leaving()));
    }
    endpoint.close();
    rooms.close();
  }
}
