package io.sluice.recurrent.pipeline;

import io.sluice.recurrent.kernel.NativeBuffer;
import io.sluice.recurrent.layer.CarriedStates;
import io.sluice.recurrent.layer.TimeChunk;
import io.sluice.recurrent.optim.Batch;
import io.sluice.recurrent.optim.GlobalNormClipping;
import io.sluice.recurrent.optim.GradientExchange;
import io.sluice.recurrent.optim.ParameterUpdate;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.Pointer;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Training steps of one pipeline stage: its units in the order of the {@link Schedule}, then its
 * part of the update. All stages of all replicas take the same steps, and each leaves its part of
 * what {@link io.sluice.recurrent.optim.TrainingStep} would leave, to the order of float32 sums.
 *
 * <p>Of a network whose rows of words are moved ({@link
 * io.sluice.recurrent.embedding.AdversarialInput}) all micro-batches go through all stages once,
 * and then once more: a micro-batch of its own would wait for the first stage before it goes up
 * again.
 *
 * <p>The gradient of the stage's own layers is summed over its peers, the same stage of the other
 * replicas; loss and gradient norm over the stages of a replica.
 */
public final class StageStep implements AutoCloseable {
  /** Batches of a validation that are under way between two stages, at most. */
  private static final int AHEAD = 3;

  private final StageNetwork stage;
  private final int index;
  private final int stages;
  private final int chunkSteps;
  private final int microBatches;
  private final StageLinks links;
  private final StageGradient gradient;
  private final GradientExchange peers;
  private final StageSum over;
  private final ParameterUpdate update;
  private final NativeBuffer arriving = new NativeBuffer();

  /** Gradients of the embedding's rows from the other end, on the first stage. */
  private final NativeBuffer tied = new NativeBuffer();

  private final Deque<Examples> underWay = new ArrayDeque<>();

  // of the batch under way
  private Chunks chunks;
  private int size;
  private int parts;
  private boolean isLastPass;

  /** Of training batches that go on where the one before ended; null where series begin. */
  private CarriedStates states;

  /** Features (T, B, I) of the micro-batch that goes forward, on the first stage. */
  private INDArray features;

  private Schedule schedule;
  private List<Unit> units = List.of();

  /** Of the step, on the last stage; 0 on others. */
  private double ownLoss;

  private double loss;
  private long waitedNanos;

  /** Sums over the stages of a replica. */
  public interface StageSum {
    /**
     * Waits for the others.
     *
     * @return the same on all stages; a new array
     */
    double[] over(double... numbers);
  }

  /**
   * @param stage this one
   * @param index from 0
   * @param stages P
   * @param chunkSteps time steps of a chunk, at most
   * @param microBatches that a replica's part of a batch is cut into; fewer where it has fewer
   *     examples
   * @param peers sums over them; null if there are none
   */
  public StageStep(
      StageNetwork stage,
      int index,
      int stages,
      int chunkSteps,
      int microBatches,
      StageLinks links,
      GradientExchange peers,
      StageSum over) {
    this.stage = stage;
    this.index = index;
    this.stages = stages;
    this.chunkSteps = chunkSteps;
    this.microBatches = microBatches;
    this.links = links;
    this.peers = peers;
    this.over = over;
    this.gradient = new StageGradient(stage, peers);
    this.update = new ParameterUpdate(stage.network(), stage.isInHalfPrecision(), stage.gradient());
    GlobalNormClipping.joinParts(stage.network(), this::squaresOfAll);
  }

  /**
   * The header of the next step: on the first stage the one that is given, on others the one that
   * comes from below. Goes on to the stage above.
   *
   * @param own null on all stages but the first
   */
  public StageLinks.Header begin(StageLinks.Header own) {
    StageLinks.Header header = isFirst() ? own : waiting(links::receiveHeader);
    if (!stage.isLast()) {
      links.send(header);
    }
    return header;
  }

  /**
   * The series of each training batch that follows go on where those of the batch before ended.
   *
   * @param carried of the replica's part of a batch through {@link StageNetwork#network}; advanced
   *     after each step
   */
  public void carry(CarriedStates carried) {
    states = carried;
    stage.carry(carried);
  }

  /**
   * A training step.
   *
   * @param header from {@link #begin}
   * @param own the replica's part of the batch on the first stage; null on others
   * @return the loss of the whole batch before the step
   */
  public double train(StageLinks.Header header, Batch own) {
    plan(header);
    stage.begin(update.gradientScale());
    if (parts > 0) {
      bringRowsToHead();
    }
    gradient.begin();
    for (int pass = 0; pass < stage.passes(); pass++) {
      isLastPass = pass == stage.passes() - 1;
      stage.beginPass(pass > 0, size, header.timeSteps());
      pass(own);
    }
    if (parts == 0) {
      gradient.finishAll();
    }
    long losses = (long) stage.passes() * header.examples();
    double mean = stage.lossSum() / losses;
    ownLoss = peers == null ? mean : peers.await(mean);
    update.apply(losses, ownLoss);
    if (states != null) {
      states.advance();
    }
    stage.network().setScore(loss);
    return loss;
  }

  /** Forward and back over all micro-batches. */
  private void pass(Batch own) {
    underWay.clear();
    for (Unit unit : units) {
      if (unit.isForward()) {
        forward(unit, own);
      } else {
        backward(unit);
      }
    }
  }

  /** The order of a pass's units: that of the last step if it is cut alike. */
  private void plan(StageLinks.Header header) {
    cut(header);
    int count = parts == 0 ? 1 : chunks.count();
    if (schedule == null || schedule.microBatches() != parts || schedule.chunks() != count) {
      schedule = new Schedule(stages, parts, count);
      units = schedule.units(index);
    }
  }

  private void cut(StageLinks.Header header) {
    size = header.size();
    parts = Math.min(microBatches, size);
    if (parts > 0) {
      chunks = Chunks.atMost(chunkSteps, header.timeSteps());
    }
  }

  /** Asked by the update; the loss goes along. */
  private double squaresOfAll(double squares) {
    double[] sums = over.over(squares, ownLoss);
    loss = sums[1];
    return sums[0];
  }

  /** The update that its steps end with. */
  public ParameterUpdate update() {
    return update;
  }

  private void forward(Unit unit, Batch own) {
    Examples examples;
    if (unit.chunk() == 0) {
      examples = isFirst() ? examples(own.part(unit.microBatch(), parts)) : nextExamples(unit);
      underWay.addLast(examples);
      if (!stage.isLast()) {
        links.send(unit.microBatch(), examples);
      }
    } else {
      examples = underWay.getLast();
    }
    TimeChunk chunk = chunk(unit, examples);
    fill(unit, chunk);
    Pointer y = stage.forward(unit.tape(), chunk, examples);
    if (y != null) {
      links.sendUp(unit, y, (long) chunk.rows() * stage.outputs());
    } else if (isLastPass && chunk.isLast() && unit.microBatch() == parts - 1) {
      if (stage.tiedNumbers() > 0 && !isFirst()) {
        links.sendTied(stage.tiedRowGradients(), stage.tiedNumbers());
      }
      gradient.headFinished();
    }
  }

  private void backward(Unit unit) {
    Examples examples = underWay.getFirst();
    TimeChunk chunk = chunk(unit, examples);
    Pointer dy = null;
    if (!stage.isLast()) {
      long n = (long) chunk.rows() * stage.outputs();
      Pointer room = arriving.atLeast(n * Float.BYTES);
      waiting(
          () -> {
            links.receiveFromAbove(unit, room, n);
            return null;
          });
      dy = room;
    }
    boolean isLastUnit = isLastPass && unit.microBatch() == parts - 1 && unit.chunk() == 0;
    if (isLastUnit && stage.tiedNumbers() > 0 && isFirst()) {
      takeRowGradientsOfHead();
    }
    if (isLastUnit && !stage.isLast()) {
      gradient.headFinished();
    }
    Pointer dx = stage.backward(unit.tape(), chunk, examples, dy, isLastUnit ? gradient : null);
    if (dx != null) {
      links.sendDown(unit, dx, (long) chunk.rows() * stage.inputs());
    }
    if (unit.chunk() == 0) {
      underWay.removeFirst();
    }
  }

  /** What a tied head multiplies with lies on the first stage. */
  private void bringRowsToHead() {
    long n = stage.tiedNumbers();
    if (n == 0) {
      return;
    }
    if (isFirst() && stage.isLast()) {
      Pointer.memcpy(stage.tiedRows(), stage.rows(), n * Float.BYTES);
    } else if (isFirst()) {
      links.sendTied(stage.rows(), n);
    } else if (stage.isLast()) {
      receiveTied(stage.tiedRows());
    }
  }

  /** The head is done before the first stage's last way back. */
  private void takeRowGradientsOfHead() {
    if (stage.isLast()) {
      stage.addTied(stage.tiedRowGradients());
      return;
    }
    Pointer room = tied.atLeast(stage.tiedNumbers() * Float.BYTES);
    receiveTied(room);
    stage.addTied(room);
  }

  private void receiveTied(Pointer room) {
    waiting(
        () -> {
          links.receiveTied(room, stage.tiedNumbers());
          return null;
        });
  }

  /**
   * The losses of some batches, without dropout, each cut as one of training; ends where the first
   * stage has no more.
   *
   * @param own batches of the replica on the first stage, with at least one example; null on others
   * @param carries whether the series of each batch go on where those of the one before ended: then
   *     the losses are weighed by their time steps
   * @return sum of the losses, 0 on all stages but the last, and their number
   */
  public double[] validate(Iterator<Batch> own, boolean carries) {
    double losses = 0;
    double targetsSeen = 0;
    int number = 0;
    CarriedStates validated = null;
    while (true) {
      Batch batch = isFirst() && own.hasNext() ? own.next() : null;
      StageLinks.Header header =
          begin(batch == null ? StageLinks.Header.END : looked(batch, carries));
      if (header.kind() == StageLinks.Kind.END) {
        awaitAbove(Math.min(number, AHEAD));
        stage.carry(states);
        return new double[] {losses, targetsSeen};
      }
      cut(header);
      stage.beginValidation();
      if (number == 0) {
        bringRowsToHead();
        validated = carries ? CarriedStates.zeros(stage.network(), size) : null;
        stage.carry(validated);
      }
      for (int part = 0; part < parts; part++) {
        if (number++ >= AHEAD) {
          awaitAbove(1);
        }
        look(part, batch);
      }
      losses += stage.lossSum() * header.targets();
      targetsSeen += stage.isLast() ? (double) size * header.targets() : 0;
      if (validated != null) {
        validated.advance();
      }
    }
  }

  private static StageLinks.Header looked(Batch batch, boolean carries) {
    int targets = carries ? Math.toIntExact(batch.features().size(2)) : 1;
    return StageLinks.Header.validation(batch, targets);
  }

  /** One part of a batch of a validation, forward. */
  private void look(int part, Batch batch) {
    Examples examples = null;
    for (int k = 0; k < chunks.count(); k++) {
      var unit = new Unit(true, part, k, 0);
      if (k == 0) {
        examples = isFirst() ? examples(batch.part(part, parts)) : nextExamples(unit);
        if (!stage.isLast()) {
          links.send(part, examples);
        }
      }
      TimeChunk chunk = chunk(unit, examples);
      fill(unit, chunk);
      Pointer y = stage.infer(0, chunk, examples);
      if (y != null) {
        links.sendUp(unit, y, (long) chunk.rows() * stage.outputs());
      }
    }
    if (!isFirst()) {
      links.sendDone();
    }
  }

  /** Nothing goes back in a validation, so nothing else holds a stage that is faster. */
  private void awaitAbove(int batches) {
    for (int k = 0; k < batches && !stage.isLast(); k++) {
      waiting(
          () -> {
            links.receiveDone();
            return null;
          });
    }
  }

  private boolean isFirst() {
    return index == 0;
  }

  private TimeChunk chunk(Unit unit, Examples examples) {
    return new TimeChunk(
        chunks.first(unit.chunk()),
        chunks.length(unit.chunk()),
        chunks.timeSteps(),
        examples.size(),
        Batch.start(size, unit.microBatch(), parts),
        examples.lengths());
  }

  private Examples nextExamples(Unit unit) {
    return waiting(() -> links.receiveExamples(unit.microBatch()));
  }

  /** Takes the features of a micro-batch, time-major, and leaves the rest. */
  private Examples examples(Batch batch) {
    long needed = batch.features().length();
    if (features == null || features.length() < needed) {
      if (features != null) {
        features.close();
      }
      features = Nd4j.createUninitialized(DataType.FLOAT, needed);
    }
    INDArray steps = batch.features().permute(2, 0, 1);
    Nd4j.create(
            features.data(),
            steps.shape(),
            new long[] {steps.size(1) * steps.size(2), steps.size(2), 1},
            0,
            'c')
        .assign(steps);
    return new Examples(
        batch.keys(), Examples.lengths(batch.featuresMask()), batch.labels(), batch.labelsMask());
  }

  private void fill(Unit unit, TimeChunk chunk) {
    Pointer input = stage.input(unit.tape(), chunk);
    long n = (long) chunk.rows() * stage.inputs();
    if (isFirst()) {
      long before = (long) chunk.firstStep() * chunk.examples() * stage.inputs();
      Pointer from = new FloatPointer(features.data().addressPointer()).getPointer(before);
      Pointer.memcpy(input, from, n * Float.BYTES);
      return;
    }
    waiting(
        () -> {
          links.receiveFromBelow(unit, input, n);
          return null;
        });
  }

  private interface Wait<T> {
    T forIt();
  }

  private <T> T waiting(Wait<T> wait) {
    long start = System.nanoTime();
    try {
      return wait.forIt();
    } finally {
      waitedNanos += System.nanoTime() - start;
    }
  }

  /** Time spent waiting for neighbours since this was last asked. */
  public long takeWaitedNanos() {
    long nanos = waitedNanos;
    waitedNanos = 0;
    return nanos;
  }

  /** Frees what it holds; the stage is its owner's to close. */
  @Override
  public void close() {
    arriving.close();
    tied.close();
    if (features != null) {
      features.close();
    }
  }
}
