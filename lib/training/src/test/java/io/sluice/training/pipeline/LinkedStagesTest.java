package io.sluice.training.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.sluice.recurrent.pipeline.Examples;
import io.sluice.recurrent.pipeline.StageLinks;
import io.sluice.recurrent.pipeline.Unit;
import io.sluice.training.Warnings;
import io.sluice.training.allreduce.PeerLostException;
import io.sluice.training.allreduce.WireFormat;
import io.sluice.training.checkpoint.StagePart;
import io.sluice.training.checkpoint.StageParts;
import io.sluice.training.pipeline.StageMessage.Kind;
import io.sluice.training.transport.Endpoint;
import io.sluice.training.transport.GroupKey;
import io.sluice.training.transport.Link;
import io.sluice.training.transport.Security;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.bytedeco.javacpp.FloatPointer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.factory.Nd4j;

/** Stage 1 of 2, and below it one that behaves, or says what it should not. */
class LinkedStagesTest {
  private static final Duration PATIENCE = Duration.ofSeconds(20);
  private static final String BELOW = "pipeline stage 0 of replica 0";
  private static final Unit UNIT = new Unit(true, 2, 1, 0);
  private static final int NUMBERS = 6;

  private final GroupKey key = GroupKey.create("run-7");
  private final Neighbour neighbour = new Neighbour();
  private final List<AutoCloseable> opened = new ArrayList<>();
  private Warnings warnings;
  private Link link;

  /** Says what a test lets it say, and hears nothing. */
  private static final class Neighbour implements Endpoint.Listener {
    final LinkedBlockingQueue<Link> joined = new LinkedBlockingQueue<>();
    final LinkedBlockingQueue<String> heard = new LinkedBlockingQueue<>();

    @Override
    public void joined(Link link) {
      joined.add(link);
    }

    @Override
    public Endpoint.Body received(Link link, ByteBuffer head, int bodyBytes) {
      StageMessage message = StageMessage.of(head, bodyBytes);
      heard.add(message.kind() == Kind.ABORT ? message.reason() : message.kind().name());
      return (piece, last) -> {};
    }

    @Override
    public void lost(Link link, String reason) {
      heard.add("lost: " + reason);
    }
  }

  @BeforeEach
  void keepWarnings() {
    warnings = new Warnings("io.sluice.training");
  }

  @AfterEach
  void closeAll() throws Exception {
    for (AutoCloseable each : opened) {
      each.close();
    }
    warnings.close();
    assertThat(Thread.getAllStackTraces().keySet())
        .extracting(Thread::getName)
        .noneMatch(name -> name.contains("pipeline-stage"));
  }

  private <T extends AutoCloseable> T keep(T open) {
    opened.add(0, open);
    return open;
  }

  private LinkedStages stage(int stage, int stages, WireFormat wire, Duration deadline)
      throws IOException {
    return keep(
        new LinkedStages(
            Security.NONE.settings(),
            0,
            stage,
            stages,
            key,
            wire,
            deadline,
            new StageParts(stages)));
  }

  private Endpoint endpoint(String name) throws IOException {
    return keep(Endpoint.listen(Security.NONE.settings(), name, key, neighbour));
  }

  /** Stage 1, linked with a neighbour that this test speaks for. */
  private LinkedStages linked(Duration deadline) throws Exception {
    Endpoint below = endpoint(BELOW);
    LinkedStages stage = stage(1, 2, WireFormat.F32, deadline);
    stage.join(List.of(below.address(), stage.address()), PATIENCE);
    link = neighbour.joined.poll(20, TimeUnit.SECONDS);
    return stage;
  }

  /**
   * What comes from below where something else is due, and what is said of it.
   *
   * @param asks what the stage waits for
   */
  record Wrong(ByteBuffer head, int bodyBytes, Asks asks, String told) {
    @Override
    public String toString() {
      return told;
    }
  }

  interface Asks {
    void of(LinkedStages stage);
  }

  private static final Asks HEADER = LinkedStages::receiveHeader;
  private static final Asks EXAMPLES = stage -> stage.receiveExamples(2);
  private static final Asks ACTIVATIONS =
      stage -> {
        try (var room = new FloatPointer(NUMBERS)) {
          stage.receiveFromBelow(UNIT, room, NUMBERS);
        }
      };

  private static final Asks TIED =
      stage -> {
        try (var room = new FloatPointer(NUMBERS)) {
          stage.receiveTied(room, NUMBERS);
        }
      };

  private static ByteBuffer bytes(int... bytes) {
    var buffer = ByteBuffer.allocate(bytes.length);
    for (int each : bytes) {
      buffer.put((byte) each);
    }
    return buffer.flip();
  }

  private static ByteBuffer activations(int microBatch, int chunk) {
    return StageMessage.unit(Kind.ACTIVATIONS, new Unit(true, microBatch, chunk, 0));
  }

  private static ByteBuffer examples(int microBatch, int examples, int rank, long... shape) {
    ByteBuffer head = ByteBuffer.allocate(64).order(ByteOrder.LITTLE_ENDIAN);
    head.put((byte) Kind.EXAMPLES.ordinal()).putInt(microBatch).putInt(examples).put((byte) 0);
    head.putInt(rank);
    for (long each : shape) {
      head.putLong(each);
    }
    return head.putInt(0).flip();
  }

  static List<Wrong> wrongs() {
    ByteBuffer header = StageMessage.header(StageLinks.Header.END);
    ByteBuffer kindOfHeader = ByteBuffer.allocate(header.remaining()).put(header.duplicate());
    kindOfHeader.put(29, (byte) 7).flip();
    String garbage = "Pipeline stage 0 of replica 0 sent what is no message: ";
    String none = "Pipeline stage 0 of replica 0 sent no examples of micro-batch 2: ";
    return List.of(
        new Wrong(bytes(99, 1, 2), 0, HEADER, garbage + "its kind is 99"),
        new Wrong(bytes(-1), 8, HEADER, garbage + "its kind is -1"),
        new Wrong(bytes(0, 1, 2), 0, HEADER, garbage + "HEADER, 2 + 0 bytes"),
        new Wrong(kindOfHeader, 0, HEADER, garbage + "HEADER, 31 + 0 bytes"),
        new Wrong(bytes(2, 1, 2), 24, ACTIVATIONS, garbage + "ACTIVATIONS, 2 + 24 bytes"),
        new Wrong(activations(2, 1), 0, ACTIVATIONS, garbage + "ACTIVATIONS, 8 + 0 bytes"),
        new Wrong(
            activations(2, 0),
            24,
            ACTIVATIONS,
            "Pipeline stage 0 of replica 0 sent activations of micro-batch 2, time chunk 0 in 24 bytes in place of activations of micro-batch 2, time chunk 1 in 24"),
        new Wrong(
            activations(2, 1),
            28,
            ACTIVATIONS,
            "Pipeline stage 0 of replica 0 sent activations of micro-batch 2, time chunk 1 in 28 bytes in place of activations of micro-batch 2, time chunk 1 in 24"),
        new Wrong(
            activations(2, 1),
            24,
            HEADER,
            "Pipeline stage 0 of replica 0 sent activations in place of the header of a step"),
        new Wrong(
            header,
            0,
            ACTIVATIONS,
            "Pipeline stage 0 of replica 0 sent the header of a step in place of activations of micro-batch 2, time chunk 1"),
        new Wrong(examples(1, 1, 0), 8, EXAMPLES, none + "1 of micro-batch 1 in 8 bytes"),
        new Wrong(examples(2, 0, 0), 8, EXAMPLES, none + "0 of micro-batch 2 in 8 bytes"),
        new Wrong(
            examples(2, 1_000_000_000, 0),
            8,
            EXAMPLES,
            none + "1000000000 of micro-batch 2 in 8 bytes"),
        new Wrong(examples(2, 1, 4), 16, EXAMPLES, none + "an array of 4 dimensions"),
        new Wrong(examples(2, 1, -1), 16, EXAMPLES, none + "an array of -1 dimensions"),
        new Wrong(examples(2, 1, 2, 1, 3), 16, EXAMPLES, none + "an array that is not in it"),
        new Wrong(
            examples(2, 1, 3, 1L << 62, 1L << 62, 16),
            16,
            EXAMPLES,
            none + "an array that is not in it"),
        new Wrong(examples(2, 1, 2, 2, 1), 16, EXAMPLES, none + "2 labels of 1 examples"),
        new Wrong(examples(2, 1, 3), 16, EXAMPLES, none + "it ends early"),
        new Wrong(
            StageMessage.tied(),
            12,
            TIED,
            "Pipeline stage 0 of replica 0 sent rows of an embedding in 12 bytes in place of 24"),
        new Wrong(
            StageMessage.leaving(),
            0,
            TIED,
            "Pipeline stage 0 of replica 0 left before it sent rows of an embedding"),
        new Wrong(
            StageMessage.part(new StagePart(5, 1, true, "name")),
            0,
            HEADER,
            "Pipeline stage 0 of replica 0 spoke of the part of a checkpoint that stage 1 wrote"),
        new Wrong(
            StageMessage.abort("Pipeline stage 0 of replica 0 failed: power cut"),
            0,
            HEADER,
            "Pipeline stage 0 of replica 0 failed: power cut"),
        new Wrong(
            StageMessage.leaving(),
            0,
            HEADER,
            "Pipeline stage 0 of replica 0 left before it sent the header of a step"));
  }

  @ParameterizedTest
  @MethodSource("wrongs")
  void whatIsNotDueEndsTheWaitWithTheNeighboursName(Wrong wrong) throws Exception {
    LinkedStages stage = linked(PATIENCE);

    if (wrong.bodyBytes == 0) {
      link.send(wrong.head.duplicate());
    } else {
      link.send(wrong.head.duplicate(), ByteBuffer.allocateDirect(wrong.bodyBytes), null);
    }

    assertThatThrownBy(() -> wrong.asks.of(stage))
        .isInstanceOf(PeerLostException.class)
        .hasMessage(wrong.told)
        .extracting(e -> ((PeerLostException) e).peer())
        .isEqualTo(BELOW);
    // and so does every wait that follows, at once
    assertThatThrownBy(stage::receiveHeader).hasMessage(wrong.told);
    assertThatThrownBy(() -> ACTIVATIONS.of(stage)).hasMessage(wrong.told);
    assertThatThrownBy(() -> stage.sendDown(UNIT, new FloatPointer(1), 1)).hasMessage(wrong.told);
    assertThatThrownBy(() -> stage.tell(new StagePart(1, 1, true, ""))).hasMessage(wrong.told);
  }

  @Test
  void aNeighbourThatIsLostEndsTheWait() throws Exception {
    LinkedStages stage = linked(PATIENCE);

    var waiting = CompletableFuture.runAsync(stage::receiveHeader);
    link.close();

    assertThatThrownBy(() -> waiting.get(20, TimeUnit.SECONDS))
        .hasRootCauseInstanceOf(PeerLostException.class)
        .hasRootCauseMessage("Pipeline stage 0 of replica 0 was lost: it closed the connection");
  }

  @Test
  void aWaitHasADeadline() throws Exception {
    LinkedStages stage = linked(Duration.ofSeconds(1));

    assertThatThrownBy(() -> ACTIVATIONS.of(stage))
        .isInstanceOf(PeerLostException.class)
        .hasMessage(
            "Pipeline stage 0 of replica 0 did not send activations of micro-batch 2, time chunk 1 within 1s. Look at its executor's log; if a step takes that long, raise train.gradient-sharing.step-timeout.");
  }

  @Test
  void whoFailsTellsWhyAndWhoHeardOfItPassesThatOn() throws Exception {
    LinkedStages stage = linked(PATIENCE);

    stage.abort("java.lang.IllegalStateException: power cut");
    stage.abort("and again");

    String told =
        "Pipeline stage 1 of replica 0 failed: java.lang.IllegalStateException: power cut";
    assertThat(neighbour.heard.poll(20, TimeUnit.SECONDS)).isEqualTo(told);
    assertThat(neighbour.heard.poll(20, TimeUnit.SECONDS)).isEqualTo(told);
    assertThatThrownBy(stage::receiveHeader).hasMessage(told);
  }

  @Test
  void whoLeavesSaysSoAndIsNotLost() throws Exception {
    LinkedStages stage = linked(PATIENCE);

    stage.close();

    assertThat(neighbour.heard.poll(20, TimeUnit.SECONDS)).isEqualTo("LEAVING");
    assertThat(neighbour.heard.poll(20, TimeUnit.SECONDS)).startsWith("lost: ");
  }

  @Test
  void aStageThatDoesNotComeIsNamed() throws Exception {
    LinkedStages first = stage(0, 2, WireFormat.F32, PATIENCE);

    assertThatThrownBy(
            () -> first.join(List.of(first.address(), "localhost:1"), Duration.ofSeconds(1)))
        .isInstanceOf(PeerLostException.class)
        .hasMessage(
            "Pipeline stage 1 of replica 0 did not connect to pipeline stage 0 of replica 0 within 1s. See its executor's log; raise train.gradient-sharing.join-timeout if hosts start slowly.");
  }

  @Test
  void aStageThatCannotBeReachedIsNamed() throws Exception {
    LinkedStages second = stage(1, 2, WireFormat.F32, PATIENCE);

    assertThatThrownBy(() -> second.join(List.of("127.0.0.1:1", second.address()), PATIENCE))
        .isInstanceOf(PeerLostException.class)
        .hasMessageStartingWith(
            "Pipeline stage 1 of replica 0 cannot link with pipeline stage 0 of replica 0 at 127.0.0.1:1: ");
  }

  @Test
  void anAttemptThatIsGivenUpIsNotWaitedFor() throws Exception {
    LinkedStages first = stage(0, 2, WireFormat.F32, PATIENCE);

    var joining =
        CompletableFuture.runAsync(
            () -> {
              try {
                first.join(List.of(first.address(), "localhost:1"), PATIENCE);
              } catch (InterruptedException e) {
                throw new IllegalStateException(e);
              }
            });
    first.abort("Rank 1 of 2 was lost");

    assertThatThrownBy(() -> joining.get(5, TimeUnit.SECONDS))
        .hasRootCauseInstanceOf(PeerLostException.class)
        .hasRootCauseMessage("Pipeline stage 0 of replica 0 failed: Rank 1 of 2 was lost");
  }

  @Test
  void aStrangerIsRefusedAndNobodyNotices() throws Exception {
    LinkedStages stage = linked(PATIENCE);
    GroupKey another = GroupKey.create("run-7");
    Endpoint stranger =
        keep(
            Endpoint.listen(
                Security.NONE.settings(), "pipeline stage 2 of replica 0", another, neighbour));
    Endpoint member = endpoint("pipeline stage 0 of replica 5");

    assertThatThrownBy(
            () -> stranger.connect(stage.address(), "pipeline stage 1 of replica 0", PATIENCE))
        .hasMessageEndingWith("it cannot prove that it belongs to run run-7");
    member.connect(stage.address(), "pipeline stage 1 of replica 0", PATIENCE);

    assertThat(warnings.messages.poll(20, TimeUnit.SECONDS))
        .startsWith("pipeline stage 1 of replica 0 refuses a connection from /127.0.0.1:");
    assertThat(warnings.messages.poll(20, TimeUnit.SECONDS))
        .isEqualTo(
            "pipeline stage 1 of replica 0 has no use for a link with pipeline stage 0 of replica 5");
    link.send(
        StageMessage.header(
            new StageLinks.Header(StageLinks.Kind.TRAINING, 9, 4, 70, 70, 0.5, true, false)));
    assertThat(stage.receiveHeader())
        .isEqualTo(new StageLinks.Header(StageLinks.Kind.TRAINING, 9, 4, 70, 70, 0.5, true, false));
  }

  @ParameterizedTest
  @EnumSource(WireFormat.class)
  void stagesHearWhatTheOthersSay(WireFormat wire) throws Exception {
    LinkedStages first = stage(0, 3, wire, PATIENCE);
    LinkedStages middle = stage(1, 3, wire, PATIENCE);
    LinkedStages last = stage(2, 3, wire, PATIENCE);
    List<String> addresses = List.of(first.address(), middle.address(), last.address());
    var joining = new ArrayList<CompletableFuture<Void>>();
    for (LinkedStages each : List.of(first, middle, last)) {
      joining.add(
          CompletableFuture.runAsync(
              () -> {
                try {
                  each.join(addresses, PATIENCE);
                } catch (InterruptedException e) {
                  throw new IllegalStateException(e);
                }
              }));
    }
    for (CompletableFuture<Void> each : joining) {
      each.get(20, TimeUnit.SECONDS);
    }
    var labels = Nd4j.create(new float[] {1, 2, 3, 4, 5, 6}, new long[] {2, 3}, 'c');
    var mask = Nd4j.create(new float[] {1, 0}, new long[] {2, 1}, 'c');

    first.send(new StageLinks.Header(StageLinks.Kind.VALIDATION, 7, 2, 31, 1, 1, false, true));
    first.send(2, new Examples(new long[] {41, -42}, new int[] {31, 4}, labels, mask));
    try (var sent = new FloatPointer(0.5f, -2, 3, 1e-3f, 5, 6);
        var up = new FloatPointer(NUMBERS);
        var down = new FloatPointer(NUMBERS)) {
      first.sendUp(UNIT, sent, NUMBERS);
      middle.sendDown(UNIT, sent, NUMBERS);

      assertThat(middle.receiveHeader())
          .isEqualTo(
              new StageLinks.Header(StageLinks.Kind.VALIDATION, 7, 2, 31, 1, 1, false, true));
      Examples received = middle.receiveExamples(2);
      assertThat(received.keys()).containsExactly(41, -42);
      assertThat(received.lengths()).containsExactly(31, 4);
      assertThat(received.labels()).isEqualTo(labels);
      assertThat(received.labelsMask()).isEqualTo(mask);
      middle.receiveFromBelow(UNIT, up, NUMBERS);
      first.receiveFromAbove(UNIT, down, NUMBERS);
      for (int i = 0; i < NUMBERS; i++) {
        // bf16 keeps 8 bits
        double tolerance = wire == WireFormat.F32 ? 0 : Math.abs(sent.get(i)) / 256;
        assertThat((double) up.get(i)).isCloseTo(sent.get(i), within(tolerance));
        assertThat(down.get(i)).isEqualTo(up.get(i));
      }
    }
    // what is tied goes from end to end, unrounded
    try (var rows = new FloatPointer(0.1f, 1e-7f);
        var other = new FloatPointer(2)) {
      first.sendTied(rows, 2);
      last.receiveTied(other, 2);
      last.sendTied(other, 2);
      first.receiveTied(rows, 2);
      assertThat(rows.get(0)).isEqualTo(0.1f);
      assertThat(rows.get(1)).isEqualTo(1e-7f);
    }
    // the last stage leaves; the first, which is linked with it for parts, waits for the middle one
    last.tell(new StagePart(5, 2, true, "name"));
    last.close();
    middle.sendDown(UNIT, new FloatPointer(1f), 1);
    try (var one = new FloatPointer(1)) {
      first.receiveFromAbove(UNIT, one, 1);
      assertThat(one.get()).isEqualTo(1);
    }
    assertThat(first.bytesSent()).isPositive();
    assertThat(warnings.messages).isEmpty();
  }

  @Test
  void whatArrivedAndWasNotAskedForIsFreed() {
    var rooms = new NativeRooms();
    NativeRooms.Room asked = rooms.take(1000);
    rooms.take(500);
    asked.release();
    assertThat(rooms.bytes()).isEqualTo(1500);
    assertThat(rooms.take(700).bytes()).isEqualTo(700);
    assertThat(rooms.bytes()).isEqualTo(1500);

    rooms.close();

    assertThat(rooms.bytes()).isZero();
    assertThatThrownBy(() -> rooms.take(1)).hasMessage("The links of this stage are closed");
  }
}
