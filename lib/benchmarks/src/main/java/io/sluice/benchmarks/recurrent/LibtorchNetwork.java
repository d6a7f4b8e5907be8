package io.sluice.benchmarks.recurrent;

import io.sluice.benchmarks.recurrent.Workload.Parameter;
import java.util.LinkedHashMap;
import java.util.Map;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.pytorch.GRUImpl;
import org.bytedeco.pytorch.GRUOptions;
import org.bytedeco.pytorch.LSTMImpl;
import org.bytedeco.pytorch.LSTMOptions;
import org.bytedeco.pytorch.Module;
import org.bytedeco.pytorch.RNNImpl;
import org.bytedeco.pytorch.RNNOptions;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.StringTensorDict;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptional;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * A workload's network in libtorch: its own module where it has one, else the cell composed from
 * its operations, with the input product of all time steps at once and one product a time step.
 */
final class LibtorchNetwork {
  private static final double EPSILON = 1e-5;

  private final Workload workload;
  private final Map<String, Tensor> parameters = new LinkedHashMap<>();
  private LSTMImpl lstm;
  private GRUImpl gru;
  private RNNImpl rnn;

  /**
   * @param type of the parameters, and of the input that {@link #logits} takes
   */
  LibtorchNetwork(Workload workload, ScalarType type) {
    this.workload = workload;
    Map<String, Parameter> values = workload.parameters();
    Module module = module();
    if (module != null) {
      module.to(type, false);
      module.train(true);
      // what the dictionary gives lies in the dictionary's own memory: a handle of ours outlives it
      try (StringTensorDict own = module.named_parameters()) {
        for (String name : values.keySet()) {
          if (own.contains(name)) {
            parameters.put(name, new Tensor(own.get(name)));
          }
        }
      }
    }
    values.forEach(
        (name, parameter) -> {
          Tensor value = tensor(parameter.values(), parameter.shape()).to(type);
          Tensor known = parameters.get(name);
          if (known == null) {
            parameters.put(name, value.clone().set_requires_grad(true));
          } else {
            known.detach().copy_(value);
          }
        });
  }

  /** A copy of an array. */
  static Tensor tensor(float[] values, long... shape) {
    try (var memory = new FloatPointer(values)) {
      return torch.from_blob(memory, shape).clone();
    }
  }

  /** A copy of an f32 tensor, row-major. */
  static float[] values(Tensor tensor) {
    Tensor dense = tensor.contiguous();
    var values = new float[Math.toIntExact(dense.numel())];
    new FloatPointer(dense.data_ptr_float()).get(values);
    return values;
  }

  private Module module() {
    Shape shape = workload.shape();
    switch (workload.cell()) {
      case LSTM, BIDIRECTIONAL_LSTM -> {
        var options = new LSTMOptions(shape.inputSize(), shape.hiddenSize());
        options.num_layers().put(shape.layers());
        options.bidirectional().put(workload.cell().isBidirectional());
        lstm = new LSTMImpl(options);
        return lstm;
      }
      case GRU -> {
        var options = new GRUOptions(shape.inputSize(), shape.hiddenSize());
        options.num_layers().put(shape.layers());
        gru = new GRUImpl(options);
        return gru;
      }
      case RNN -> {
        var options = new RNNOptions(shape.inputSize(), shape.hiddenSize());
        options.num_layers().put(shape.layers());
        rnn = new RNNImpl(options);
        return rnn;
      }
      case PEEPHOLE_LSTM, LAYERNORM_LSTM -> {
        return null;
      }
    }
    throw new AssertionError(workload.cell());
  }

  Map<String, Tensor> parameters() {
    return parameters;
  }

  TensorVector parameterVector() {
    return new TensorVector(parameters.values().toArray(Tensor[]::new));
  }

  void setTraining(boolean training) {
    for (Module module : new Module[] {lstm, gru, rnn}) {
      if (module != null) {
        module.train(training);
      }
    }
  }

  /** (B, classes) of (T, B, I). */
  Tensor logits(Tensor input) {
    return torch.linear(lastState(input), parameters.get("fc.weight"), parameters.get("fc.bias"));
  }

  private Tensor lastState(Tensor input) {
    if (lstm != null) {
      Tensor states = lstm.forward(input).get0();
      return workload.cell().isBidirectional() ? bothEnds(states) : last(states);
    }
    if (gru != null) {
      return last(gru.forward(input).get0());
    }
    if (rnn != null) {
      return last(rnn.forward(input).get0());
    }
    return composed(input);
  }

  private Tensor last(Tensor states) {
    return states.select(0, workload.shape().timeSteps() - 1L);
  }

  private Tensor bothEnds(Tensor states) {
    int H = workload.shape().hiddenSize();
    return torch.cat(
        new TensorVector(last(states).narrow(1, 0, H), states.select(0, 0).narrow(1, H, H)), 1);
  }

  private Tensor composed(Tensor input) {
    Tensor layerInput = input;
    for (int l = 0; l < workload.shape().layers(); l++) {
      layerInput = composedLayer(layerInput, "_l" + l);
    }
    return layerInput.select(0, workload.shape().timeSteps() - 1L);
  }

  /** (T, B, H) of (T, B, ·). */
  private Tensor composedLayer(Tensor input, String suffix) {
    int T = workload.shape().timeSteps();
    boolean normalised = workload.cell() == Cell.LAYERNORM_LSTM;
    Tensor bias = parameter("bias_ih", suffix).add(parameter("bias_hh", suffix));
    Tensor weights = parameter("weight_ih", suffix);
    Tensor z =
        normalised
            ? normalised(torch.linear(input, weights), parameter("ln_ih_gain", suffix)).add(bias)
            : torch.linear(input, weights, bias);
    Tensor recurrent = parameter("weight_hh", suffix).t();
    TensorVector steps = z.unbind(0);
    Tensor c =
        torch.zeros(
            new long[] {workload.shape().batch(), workload.shape().hiddenSize()}, input.options());
    Tensor h = c;
    var states = new Tensor[T];
    for (int t = 0; t < T; t++) {
      if (normalised) {
        Tensor product = normalised(torch.mm(h, recurrent), parameter("ln_hh_gain", suffix));
        TensorVector gates = steps.get(t).add(product).chunk(4, 1);
        Tensor inner =
            gates.get(1).sigmoid().mul(c).add(gates.get(0).sigmoid().mul(gates.get(2).tanh()));
        c =
            torch.layer_norm(
                inner,
                new long[] {workload.shape().hiddenSize()},
                new TensorOptional(parameter("ln_c_gain", suffix)),
                new TensorOptional(parameter("ln_c_bias", suffix)),
                EPSILON,
                false);
        h = gates.get(3).sigmoid().mul(c.tanh());
      } else {
        TensorVector gates =
            torch.addmm(steps.get(t), h, recurrent, new Scalar(1), new Scalar(1)).chunk(4, 1);
        Tensor i = gates.get(0).addcmul(parameter("peephole_i", suffix), c).sigmoid();
        Tensor f = gates.get(1).addcmul(parameter("peephole_f", suffix), c).sigmoid();
        c = f.mul(c).add(i.mul(gates.get(2).tanh()));
        Tensor o = gates.get(3).addcmul(parameter("peephole_o", suffix), c).sigmoid();
        h = o.mul(c.tanh());
      }
      states[t] = h;
    }
    return torch.stack(new TensorVector(states), 0);
  }

  private Tensor normalised(Tensor rows, Tensor gain) {
    return torch.layer_norm(
        rows,
        new long[] {rows.size(-1)},
        new TensorOptional(gain),
        new TensorOptional(),
        EPSILON,
        false);
  }

  private Tensor parameter(String name, String suffix) {
    return parameters.get(name + suffix);
  }
}
