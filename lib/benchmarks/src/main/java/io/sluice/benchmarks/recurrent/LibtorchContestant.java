package io.sluice.benchmarks.recurrent;

import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Adam;
import org.bytedeco.pytorch.AdamOptions;
import org.bytedeco.pytorch.InferenceMode;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.DeviceType;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * PyTorch's C++ library, each way as fast as we know to call it.
 *
 * <p>In bf16 there are two ways to train with f32 master parameters: autocast, and a bf16 copy of
 * the network whose gradients are converted for the optimizer. The faster one is used; {@link
 * #open} times both, unless it is told to take autocast, which is PyTorch's documented way.
 * Inference takes bf16 parameters. The input is (T, B, I), as oneDNN wants it.
 */
final class LibtorchContestant implements Contestant {
  private final boolean onlyAutocast;

  /** Parameters in f32; what Adam moves. */
  private LibtorchNetwork master;

  /** The same in bf16, where asked for. */
  private LibtorchNetwork half;

  private boolean autocast;
  private Tensor input;
  private Tensor labels;
  private Adam adam;
  private TensorVector parameters;
  private Tensor[] matrices;

  /**
   * @param onlyAutocast whether bf16 is trained by autocast, be it the slower way
   */
  LibtorchContestant(int threads, boolean onlyAutocast) {
    this.onlyAutocast = onlyAutocast;
    useThreads(threads);
  }

  /** Makes sure that it is the library at its best. */
  static void useThreads(int threads) {
    torch.set_num_threads(threads);
    if (!torch.hasMKLDNN() || !torch.globalContext().userEnabledMkldnn()) {
      throw new IllegalStateException("This libtorch runs without oneDNN: it is no fair peer");
    }
    if (torch.get_num_threads() != threads) {
      throw new IllegalStateException(
          "libtorch computes with %d threads, must be %d"
              .formatted(torch.get_num_threads(), threads));
    }
  }

  @Override
  public String open(Workload workload) {
    close();
    Shape shape = workload.shape();
    input =
        LibtorchNetwork.tensor(
                workload.input(), shape.batch(), shape.timeSteps(), shape.inputSize())
            .transpose(0, 1)
            .contiguous();
    labels = torch.tensor(workload.labels()).to(ScalarType.Long);
    String how = "";
    if (workload.precision() == Precision.BF16) {
      start(workload);
      double cast = secondsOfStep(true);
      double converted = secondsOfStep(false);
      autocast = onlyAutocast || cast < converted;
      how =
          String.format(
              Locale.ROOT,
              "bf16 by %s (%.2f ms a step by autocast, %.2f ms with bf16 parameters)",
              autocast ? "autocast" : "bf16 parameters",
              1e3 * cast,
              1e3 * converted);
    }
    start(workload);
    return how;
  }

  private void start(Workload workload) {
    master = new LibtorchNetwork(workload, ScalarType.Float);
    half =
        workload.precision() == Precision.BF16
            ? new LibtorchNetwork(workload, ScalarType.BFloat16)
            : null;
    parameters = master.parameterVector();
    adam = new Adam(parameters, new AdamOptions(Workload.LEARNING_RATE));
  }

  /** The fastest of a few. */
  private double secondsOfStep(boolean byAutocast) {
    autocast = byAutocast;
    double fastest = Double.POSITIVE_INFINITY;
    long end = System.nanoTime() + 1_000_000_000L;
    for (int step = 0; step < 3 || System.nanoTime() < end; step++) {
      long start = System.nanoTime();
      train(1);
      fastest = Math.min(fastest, (System.nanoTime() - start) / 1e9);
    }
    return fastest;
  }

  @Override
  public float[] probabilities() {
    readParameters();
    try (var scope = new PointerScope();
        var inference = new InferenceMode()) {
      return LibtorchNetwork.values(torch.softmax(predict().to(ScalarType.Float), 1));
    }
  }

  @Override
  public Map<String, float[]> gradients() {
    try (var scope = new PointerScope()) {
      backward();
      var gradients = new LinkedHashMap<String, float[]>();
      master
          .parameters()
          .forEach(
              (name, parameter) ->
                  gradients.put(name, LibtorchNetwork.values(parameter.mutable_grad())));
      return gradients;
    }
  }

  /** Leaves the gradient of the mean loss in the master parameters. */
  private void backward() {
    adam.zero_grad();
    if (half == null) {
      loss(master.logits(input)).backward();
    } else if (autocast) {
      loss(logitsByAutocast()).backward();
    } else {
      loss(half.logits(halfInput()).to(ScalarType.Float)).backward();
      convertGradients(half.parameters(), master.parameters());
    }
  }

  @Override
  public void train(int steps) {
    for (int step = 0; step < steps; step++) {
      try (var scope = new PointerScope()) {
        backward();
        torch.clip_grad_norm_(parameters, Workload.MAX_GRADIENT_NORM);
        adam.step();
        if (half != null && !autocast) {
          convertParameters(master.parameters(), half.parameters());
        }
      }
    }
  }

  private Tensor logitsByAutocast() {
    // without the cache: it would keep last step's parameters
    torch.set_autocast_cache_enabled(false);
    torch.set_autocast_dtype(DeviceType.CPU, ScalarType.BFloat16);
    torch.set_autocast_enabled(DeviceType.CPU, true);
    try {
      return master.logits(input).to(ScalarType.Float);
    } finally {
      torch.set_autocast_enabled(DeviceType.CPU, false);
    }
  }

  /** The batch is f32 for all sides: whoever wants it in bf16 converts it, step by step. */
  private Tensor halfInput() {
    return input.to(ScalarType.BFloat16);
  }

  private Tensor loss(Tensor logits) {
    return torch.cross_entropy_loss(logits, labels);
  }

  /** Moves the gradients of a network in bf16 to the parameters that it is a copy of. */
  static void convertGradients(Map<String, Tensor> half, Map<String, Tensor> master) {
    master.forEach(
        (name, parameter) -> {
          Tensor gradient = half.get(name).mutable_grad();
          parameter.mutable_grad().put(gradient.to(ScalarType.Float));
          gradient.reset();
        });
  }

  /** Makes a network in bf16 a copy again. */
  static void convertParameters(Map<String, Tensor> master, Map<String, Tensor> half) {
    try (var noGradient = new NoGradGuard()) {
      half.forEach((name, parameter) -> parameter.copy_(master.get(name)));
    }
  }

  @Override
  public void infer(int calls) {
    readParameters();
    LibtorchNetwork network = half == null ? master : half;
    network.setTraining(false);
    for (int call = 0; call < calls; call++) {
      try (var scope = new PointerScope();
          var inference = new InferenceMode()) {
        predict();
      }
    }
    network.setTraining(true);
  }

  /** Autocast moves the f32 parameters alone; inference takes the others. */
  private void readParameters() {
    if (half != null && autocast) {
      try (var scope = new PointerScope()) {
        convertParameters(master.parameters(), half.parameters());
      }
    }
  }

  private Tensor predict() {
    return half == null ? master.logits(input) : half.logits(halfInput());
  }

  @Override
  public void multiply(int n) {
    if (matrices == null || matrices[0].size(0) != n) {
      var shape = new long[] {n, n};
      matrices =
          new Tensor[] {
            torch.ones(shape).clone(), torch.ones(shape).clone(), torch.zeros(shape).clone()
          };
    }
    try (var scope = new PointerScope();
        var noGradient = new NoGradGuard()) {
      torch.mm_out(matrices[2], matrices[0], matrices[1]);
    }
  }

  @Override
  public void close() {
    if (adam != null) {
      adam.close();
      adam = null;
    }
    master = null;
    half = null;
  }
}
