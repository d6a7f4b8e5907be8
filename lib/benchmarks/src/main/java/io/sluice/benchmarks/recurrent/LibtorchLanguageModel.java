package io.sluice.benchmarks.recurrent;

import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.InferenceMode;
import org.bytedeco.pytorch.LSTMImpl;
import org.bytedeco.pytorch.LSTMOptions;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.SGD;
import org.bytedeco.pytorch.SGDOptions;
import org.bytedeco.pytorch.StringTensorDict;
import org.bytedeco.pytorch.T_TensorT_TensorTensor_T_T;
import org.bytedeco.pytorch.T_TensorTensor_T;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.DeviceType;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * PyTorch's C++ library, written as its word_language_model example is: embedding, {@code LSTM}
 * with its own dropout, linear, cross-entropy. In bf16 by autocast, or, unless told to take that,
 * by a bf16 copy of the network where that is faster ({@link LibtorchContestant}).
 */
final class LibtorchLanguageModel implements LanguageModelContestant {
  private final boolean onlyAutocast;
  private LanguageModel model;
  private Network master;

  /** The same in bf16, where asked for. */
  private Network half;

  private boolean autocast;
  private TensorVector parameters;
  private SGD sgd;
  private Tensor[] inputs;
  private Tensor[] labels;

  /** The state (L, B, H) that the next batch begins with. */
  private Tensor h;

  private Tensor c;
  private int next;

  LibtorchLanguageModel(int threads, boolean onlyAutocast) {
    this.onlyAutocast = onlyAutocast;
    LibtorchContestant.useThreads(threads);
  }

  @Override
  public String open(LanguageModel model) {
    close();
    this.model = model;
    long[][] streams = model.streams();
    inputs = new Tensor[LanguageModel.BATCHES];
    labels = new Tensor[LanguageModel.BATCHES];
    for (int k = 0; k < inputs.length; k++) {
      inputs[k] = ids(streams[k]).view(model.timeSteps(), model.batch());
      labels[k] = ids(model.labels(streams, k));
    }
    String how = "";
    if (model.precision() == Precision.BF16) {
      start();
      double cast = secondsOfStep(true);
      double converted = secondsOfStep(false);
      autocast = onlyAutocast || cast < converted;
      how =
          String.format(
              Locale.ROOT,
              "bf16 by %s (%.0f ms a step by autocast, %.0f ms with bf16 parameters)",
              autocast ? "autocast" : "bf16 parameters",
              1e3 * cast,
              1e3 * converted);
    }
    start();
    return how;
  }

  private static Tensor ids(long[] ids) {
    return torch.tensor(ids).to(ScalarType.Long);
  }

  private void start() {
    master = new Network(LanguageModel.DROPOUT, ScalarType.Float);
    half =
        model.precision() == Precision.BF16
            ? new Network(LanguageModel.DROPOUT, ScalarType.BFloat16)
            : null;
    parameters = new TensorVector(master.parameters.values().toArray(Tensor[]::new));
    sgd = new SGD(parameters, new SGDOptions(LanguageModel.LEARNING_RATE));
    var state = new long[] {model.layers(), model.batch(), model.hiddenSize()};
    h = torch.zeros(state);
    c = torch.zeros(state);
    next = 0;
  }

  /** The fastest of a few. */
  private double secondsOfStep(boolean byAutocast) {
    autocast = byAutocast;
    double fastest = Double.POSITIVE_INFINITY;
    for (int step = 0; step < 4; step++) {
      long start = System.nanoTime();
      train(1);
      fastest = Math.min(fastest, (System.nanoTime() - start) / 1e9);
    }
    return fastest;
  }

  /** A network and its parameters by name. */
  private final class Network {
    final Map<String, Tensor> parameters = new LinkedHashMap<>();
    private final LSTMImpl lstm;
    private final double dropout;

    Network(double dropout, ScalarType type) {
      this.dropout = dropout;
      var options = new LSTMOptions(model.hiddenSize(), model.hiddenSize());
      options.num_layers().put(model.layers());
      options.dropout().put(dropout);
      lstm = new LSTMImpl(options);
      lstm.to(type, false);
      lstm.train(true);
      var known = new LinkedHashMap<String, Tensor>();
      try (StringTensorDict own = lstm.named_parameters()) {
        for (String name : model.parameters().keySet()) {
          if (own.contains(name)) {
            known.put(name, new Tensor(own.get(name)));
          }
        }
      }
      model
          .parameters()
          .forEach(
              (name, parameter) -> {
                Tensor value =
                    LibtorchNetwork.tensor(parameter.values(), parameter.shape()).to(type);
                Tensor tensor = known.get(name);
                if (tensor == null) {
                  tensor = value.clone().set_requires_grad(true);
                } else {
                  tensor.detach().copy_(value);
                }
                parameters.put(name, tensor);
              });
    }

    void setTraining(boolean training) {
      lstm.train(training);
    }

    /** (T·B, V); {@code last} takes the last state. */
    Tensor logits(Tensor ids, Tensor h0, Tensor c0, boolean training, Tensor[] last) {
      Tensor embedded = torch.embedding(parameters.get("embedding"), ids);
      T_TensorT_TensorTensor_T_T out =
          lstm.forward(torch.dropout(embedded, dropout, training), new T_TensorTensor_T(h0, c0));
      last[0] = out.get1().get0();
      last[1] = out.get1().get1();
      Tensor rows = torch.dropout(out.get0(), dropout, training).view(-1, model.hiddenSize());
      return torch.linear(rows, parameters.get("fc.weight"), parameters.get("fc.bias"));
    }
  }

  /**
   * @param last takes the state that the batch ends with
   */
  private Tensor loss(Tensor ids, Tensor target, Tensor[] last) {
    Tensor logits;
    if (half != null && !autocast) {
      Tensor h0 = h.to(ScalarType.BFloat16);
      Tensor c0 = c.to(ScalarType.BFloat16);
      logits = half.logits(ids, h0, c0, true, last).to(ScalarType.Float);
    } else if (half != null) {
      logits = byAutocast(ids, last);
    } else {
      logits = master.logits(ids, h, c, true, last);
    }
    return torch.cross_entropy_loss(logits, target);
  }

  private Tensor byAutocast(Tensor ids, Tensor[] last) {
    // without the cache: it would keep last step's parameters
    torch.set_autocast_cache_enabled(false);
    torch.set_autocast_dtype(DeviceType.CPU, ScalarType.BFloat16);
    torch.set_autocast_enabled(DeviceType.CPU, true);
    try {
      return master.logits(ids, h, c, true, last).to(ScalarType.Float);
    } finally {
      torch.set_autocast_enabled(DeviceType.CPU, false);
    }
  }

  @Override
  public void train(int steps) {
    for (int k = 0; k < steps; k++) {
      try (var scope = new PointerScope()) {
        sgd.zero_grad();
        var last = new Tensor[2];
        loss(inputs[next], labels[next], last).backward();
        try (var noGradient = new NoGradGuard()) {
          h.copy_(last[0]);
          c.copy_(last[1]);
        }
        if (half != null && !autocast) {
          LibtorchContestant.convertGradients(half.parameters, master.parameters);
        }
        torch.clip_grad_norm_(parameters, LanguageModel.MAX_GRADIENT_NORM);
        sgd.step();
        if (half != null && !autocast) {
          LibtorchContestant.convertParameters(master.parameters, half.parameters);
        }
      }
      next = (next + 1) % LanguageModel.BATCHES;
    }
  }

  @Override
  public float[] losses() {
    try (var scope = new PointerScope();
        var inference = new InferenceMode()) {
      if (half != null && autocast) {
        LibtorchContestant.convertParameters(master.parameters, half.parameters);
      }
      Network network = half == null ? master : half;
      network.setTraining(false);
      ScalarType type = half == null ? ScalarType.Float : ScalarType.BFloat16;
      Tensor zeros = torch.zeros_like(h).to(type);
      Tensor logits =
          network.logits(inputs[0], zeros, zeros, false, new Tensor[2]).to(ScalarType.Float);
      network.setTraining(true);
      Tensor p = torch.log_softmax(logits, 1).gather(1, labels[0].unsqueeze(1));
      return LibtorchNetwork.values(p.neg());
    }
  }

  @Override
  public Map<String, float[]> gradients() {
    try (var scope = new PointerScope()) {
      var plain = new Network(0, half == null ? ScalarType.Float : ScalarType.BFloat16);
      Tensor zeros = torch.zeros_like(h).to(half == null ? ScalarType.Float : ScalarType.BFloat16);
      Tensor logits =
          plain.logits(inputs[0], zeros, zeros, true, new Tensor[2]).to(ScalarType.Float);
      torch.cross_entropy_loss(logits, labels[0]).backward();
      var gradients = new LinkedHashMap<String, float[]>();
      plain.parameters.forEach(
          (name, parameter) ->
              gradients.put(
                  name, LibtorchNetwork.values(parameter.mutable_grad().to(ScalarType.Float))));
      return gradients;
    }
  }

  @Override
  public void close() {
    if (sgd != null) {
      sgd.close();
      sgd = null;
    }
    master = null;
    half = null;
  }
}
