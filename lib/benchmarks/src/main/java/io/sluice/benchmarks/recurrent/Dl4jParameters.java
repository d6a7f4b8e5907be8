package io.sluice.benchmarks.recurrent;

import static org.nd4j.linalg.indexing.NDArrayIndex.all;
import static org.nd4j.linalg.indexing.NDArrayIndex.interval;

import io.sluice.benchmarks.recurrent.Workload.Parameter;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import org.deeplearning4j.nn.api.Layer;
import org.deeplearning4j.nn.conf.layers.AbstractLSTM;
import org.deeplearning4j.nn.conf.layers.recurrent.Bidirectional;
import org.deeplearning4j.nn.conf.layers.wrapper.BaseWrapperLayer;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Copies a workload's parameters, which are named and ordered as in PyTorch, into a DL4J network,
 * and reads what is laid out as that network's parameters back.
 *
 * <p>W and RW are (inputs, G·H) there, G·H slowest in PyTorch; b is b_ih + b_hh. Columns of our own
 * layers are PyTorch's rows; stock LSTMs take the blocks g, f, o, i, and a {@code GravesLSTM} has
 * its peepholes f, o, i as three more columns of RW. A GRU's b has a fourth block: r and z are
 * sums, then n of the input side, then n of the recurrent side.
 */
final class Dl4jParameters {
  private static final int[] STOCK_LSTM = {2, 1, 3, 0};
  private static final String[] STOCK_PEEPHOLES = {"f", "o", "i"};
  private static final String[] PEEPHOLES = {"i", "f", "o"};

  private final MultiLayerNetwork network;
  private final Workload workload;
  private final Map<String, Parameter> parameters;
  private final int H;

  Dl4jParameters(MultiLayerNetwork network, Workload workload) {
    this.network = network;
    this.workload = workload;
    this.parameters = workload.parameters();
    this.H = workload.shape().hiddenSize();
  }

  void copy() {
    int layers = workload.shape().layers();
    for (int l = 0; l < layers; l++) {
      Layer layer = network.getLayer(l);
      boolean stock = isStockLstm(layer.conf().getLayer());
      for (String direction : workload.cell().directions()) {
        copyDirection(layer.paramTable(), half(direction), "_l" + l + direction, stock);
      }
    }
    Map<String, INDArray> head = network.getOutputLayer().paramTable();
    put(head, "W", matrix("fc.weight"));
    put(head, "b", vector(parameters.get("fc.bias").values()));
  }

  /**
   * By PyTorch's names and in its order, row-major. What the network has as one vector, the bias of
   * both sides, is given to both: right for gradients.
   *
   * @param table parameters, or their gradients, by DL4J's names with the layer's number before
   */
  Map<String, float[]> read(Map<String, INDArray> table) {
    var read = new LinkedHashMap<String, float[]>();
    int layers = workload.shape().layers();
    for (int l = 0; l < layers; l++) {
      boolean stock = isStockLstm(network.getLayer(l).conf().getLayer());
      for (String direction : workload.cell().directions()) {
        readDirection(read, table, l + "_" + half(direction), "_l" + l + direction, stock);
      }
    }
    String head = (network.getnLayers() - 1) + "_";
    read.put("fc.weight", rows(table.get(head + "W"), false));
    read.put("fc.bias", values(table.get(head + "b")));
    return read;
  }

  /** What DL4J's {@code Bidirectional} puts before a parameter's name. */
  private String half(String direction) {
    return !workload.cell().isBidirectional() ? "" : direction.isEmpty() ? "f" : "b";
  }

  private void readDirection(
      Map<String, float[]> read,
      Map<String, INDArray> table,
      String prefix,
      String suffix,
      boolean stock) {
    INDArray recurrent = table.get(prefix + "RW");
    float[] bias = rows(table.get(prefix + "b").reshape(1, -1), stock);
    read.put("weight_ih" + suffix, rows(table.get(prefix + "W"), stock));
    read.put("bias_ih" + suffix, Arrays.copyOf(bias, workload.cell().gates() * H));
    if (workload.cell() == Cell.GRU) {
      float[] recurrentBias = Arrays.copyOf(bias, 3 * H);
      System.arraycopy(bias, 3 * H, recurrentBias, 2 * H, H);
      read.put("bias_hh" + suffix, recurrentBias);
    } else {
      read.put("bias_hh" + suffix, bias);
    }
    if (workload.cell() == Cell.PEEPHOLE_LSTM) {
      float[] peepholes =
          stock
              ? rows(recurrent.get(all(), interval(4L * H, 4L * H + 3)), false)
              : values(table.get(prefix + "P"));
      String[] gates = stock ? STOCK_PEEPHOLES : PEEPHOLES;
      for (int g = 0; g < 3; g++) {
        read.put(
            "peephole_" + gates[g] + suffix, Arrays.copyOfRange(peepholes, g * H, (g + 1) * H));
      }
      recurrent = recurrent.get(all(), interval(0, 4L * H));
    }
    read.put("weight_hh" + suffix, rows(recurrent, stock));
    if (workload.cell() == Cell.LAYERNORM_LSTM) {
      read.put("ln_ih_gain" + suffix, values(table.get(prefix + "gainX")));
      read.put("ln_hh_gain" + suffix, values(table.get(prefix + "gainH")));
      read.put("ln_c_gain" + suffix, values(table.get(prefix + "gainC")));
      read.put("ln_c_bias" + suffix, values(table.get(prefix + "biasC")));
    }
  }

  private static float[] values(INDArray array) {
    return array.dup('c').data().asFloat();
  }

  /** (columns, rows) of (rows, columns), blocks of H rows in PyTorch's order; row-major. */
  private float[] rows(INDArray columns, boolean stock) {
    float[] rows = values(columns.transpose());
    if (!stock) {
      return rows;
    }
    var ordered = new float[rows.length];
    int block = rows.length / STOCK_LSTM.length;
    for (int from = 0; from < STOCK_LSTM.length; from++) {
      System.arraycopy(rows, from * block, ordered, STOCK_LSTM[from] * block, block);
    }
    return ordered;
  }

  private void copyDirection(
      Map<String, INDArray> table, String prefix, String suffix, boolean stock) {
    INDArray recurrent = ordered(matrix("weight_hh" + suffix), stock);
    if (stock && workload.cell() == Cell.PEEPHOLE_LSTM) {
      recurrent =
          Nd4j.hstack(recurrent, peepholes(STOCK_PEEPHOLES, suffix).reshape(3, H).transpose());
    }
    put(table, prefix + "W", ordered(matrix("weight_ih" + suffix), stock));
    put(table, prefix + "RW", recurrent);
    put(table, prefix + "b", ordered(bias(suffix), stock));
    if (!stock && workload.cell() == Cell.PEEPHOLE_LSTM) {
      put(table, prefix + "P", peepholes(PEEPHOLES, suffix));
    }
    if (workload.cell() == Cell.LAYERNORM_LSTM) {
      put(table, prefix + "gainX", vector(parameters.get("ln_ih_gain" + suffix).values()));
      put(table, prefix + "gainH", vector(parameters.get("ln_hh_gain" + suffix).values()));
      put(table, prefix + "gainC", vector(parameters.get("ln_c_gain" + suffix).values()));
      put(table, prefix + "biasC", vector(parameters.get("ln_c_bias" + suffix).values()));
    }
  }

  private static boolean isStockLstm(org.deeplearning4j.nn.conf.layers.Layer layer) {
    if (layer instanceof BaseWrapperLayer wrapper) {
      return isStockLstm(wrapper.getUnderlying());
    }
    if (layer instanceof Bidirectional both) {
      return isStockLstm(both.getFwd());
    }
    return layer instanceof AbstractLSTM;
  }

  /** (columns, rows) of PyTorch's (rows, columns). */
  private INDArray matrix(String name) {
    Parameter parameter = parameters.get(name);
    return Nd4j.create(parameter.values(), parameter.shape(), 'c').transpose();
  }

  private static INDArray vector(float[] values) {
    return Nd4j.create(values, new long[] {1, values.length}, 'c');
  }

  /** (1, G·H), or (1, 4·H) of a GRU. */
  private INDArray bias(String suffix) {
    float[] input = parameters.get("bias_ih" + suffix).values();
    float[] recurrent = parameters.get("bias_hh" + suffix).values();
    int summed = workload.cell() == Cell.GRU ? 2 * H : input.length;
    float[] bias = Arrays.copyOf(input, workload.cell() == Cell.GRU ? 4 * H : input.length);
    for (int i = 0; i < summed; i++) {
      bias[i] += recurrent[i];
    }
    if (workload.cell() == Cell.GRU) {
      System.arraycopy(recurrent, 2 * H, bias, 3 * H, H);
    }
    return vector(bias);
  }

  private INDArray peepholes(String[] gates, String suffix) {
    var all = new float[3 * H];
    for (int g = 0; g < 3; g++) {
      System.arraycopy(parameters.get("peephole_" + gates[g] + suffix).values(), 0, all, g * H, H);
    }
    return vector(all);
  }

  /** Blocks of H columns in the order in which the layer has them. */
  private INDArray ordered(INDArray columns, boolean stock) {
    if (!stock) {
      return columns;
    }
    INDArray ordered = Nd4j.createUninitialized(DataType.FLOAT, columns.shape(), 'f');
    for (int block = 0; block < STOCK_LSTM.length; block++) {
      for (int j = 0; j < H; j++) {
        ordered.putColumn(block * H + j, columns.getColumn((long) STOCK_LSTM[block] * H + j, true));
      }
    }
    return ordered;
  }

  private static void put(Map<String, INDArray> table, String key, INDArray values) {
    INDArray parameter = table.get(key);
    if (parameter == null || parameter.length() != values.length()) {
      throw new IllegalStateException(
          "Parameter %s has %d values here, but the layer has %s"
              .formatted(
                  key,
                  values.length(),
                  parameter == null ? "only " + table.keySet() : parameter.length() + " there"));
    }
    parameter.assign(values.reshape(parameter.shape()));
  }
}
