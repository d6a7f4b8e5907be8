"""PyTorch's side of GpuCheck: does what each line on standard input tells it, answers with a line.

    version                      what it is
    load CELL I H L PRECISION T B   a stack and a batch, from the files parameters, x and dy
    results                      one step; writes y, dx and gradients
    time N                       milliseconds of N steps
    captured N                   milliseconds of N steps replayed as a CUDA graph

Numbers travel as little-endian float32 in the folder of the first argument, parameters in the order
of io.sluice.recurrent.kernel.CellShape: W, RW and one bias a layer, of which a GRU has the n of the
recurrent side at the end.
"""

import array
import sys
import time

import torch

folder, device = sys.argv[1], torch.device("cuda", int(sys.argv[2]))
state = {}


def read(name):
    values = array.array("f")
    with open(f"{folder}/{name}", "rb") as file:
        values.frombytes(file.read())
    return torch.tensor(values, dtype=torch.float32)


def write(name, tensors):
    with open(f"{folder}/{name}", "wb") as file:
        for tensor in tensors:
            file.write(tensor.detach().float().cpu().contiguous().numpy().tobytes())


def load(cell, inputs, hidden, layers, precision, steps, batch):
    inputs, hidden, layers, steps, batch = map(int, (inputs, hidden, layers, steps, batch))
    torch.backends.cuda.matmul.allow_tf32 = precision == "tf32"
    torch.backends.cudnn.allow_tf32 = precision == "tf32"
    dtype = {"bf16": torch.bfloat16, "f16": torch.float16}.get(precision, torch.float32)
    kind = {"LSTM": torch.nn.LSTM, "GRU": torch.nn.GRU}[cell]
    net = kind(inputs, hidden, layers).to(device)
    block, at = read("parameters"), 0

    def take(n):
        nonlocal at
        at += n
        return block[at - n : at]

    gates = {"LSTM": 4, "GRU": 3}[cell] * hidden
    with torch.no_grad():
        for layer in range(layers):
            width = inputs if layer == 0 else hidden
            getattr(net, f"weight_ih_l{layer}").copy_(take(gates * width).view(gates, width))
            getattr(net, f"weight_hh_l{layer}").copy_(take(gates * hidden).view(gates, hidden))
            getattr(net, f"bias_ih_l{layer}").copy_(take(gates))
            recurrent = torch.zeros(gates)
            if cell == "GRU":
                recurrent[2 * hidden :] = take(hidden)
            getattr(net, f"bias_hh_l{layer}").copy_(recurrent)
    net = net.to(dtype)
    flatten(net)
    x = read("x").view(steps, batch, inputs).to(device, dtype).requires_grad_()
    dy = read("dy").view(steps, batch, hidden).to(device, dtype)
    state.update(graph=None, cell=cell, hidden=hidden, layers=layers, net=net, x=x, dy=dy)


def flatten(net):
    net.flatten_parameters()
    if net.weight_ih_l0.dtype == torch.bfloat16:
        # flatten_parameters passes over bfloat16, and cuDNN would copy the weights at every call
        with torch.no_grad():
            torch._cudnn_rnn_flatten_weight(
                net._flat_weights,
                4,
                net.input_size,
                torch.backends.cudnn.rnn.get_cudnn_mode(net.mode),
                net.hidden_size,
                0,
                net.num_layers,
                net.batch_first,
                net.bidirectional,
            )


def step():
    net, x = state["net"], state["x"]
    net.zero_grad(set_to_none=True)
    x.grad = None
    y, _ = net(x)
    y.backward(state["dy"])
    return y


def results():
    y = step()
    write("y", [y])
    write("dx", [state["x"].grad])
    net, hidden = state["net"], state["hidden"]
    gradients = []
    for layer in range(state["layers"]):
        for name in ("weight_ih", "weight_hh", "bias_ih"):
            gradients.append(getattr(net, f"{name}_l{layer}").grad)
        if state["cell"] == "GRU":
            gradients.append(getattr(net, f"bias_hh_l{layer}").grad[2 * hidden :])
    write("gradients", gradients)


def timed(n):
    torch.cuda.synchronize(device)
    start = time.perf_counter()
    for _ in range(n):
        step()
    torch.cuda.synchronize(device)
    return (time.perf_counter() - start) * 1e3


def captured(n):
    if state["graph"] is None:
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(3):
                step()
        torch.cuda.current_stream().wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            step()
        state["graph"] = graph
    torch.cuda.synchronize(device)
    start = time.perf_counter()
    for _ in range(n):
        state["graph"].replay()
    torch.cuda.synchronize(device)
    return (time.perf_counter() - start) * 1e3


for line in sys.stdin:
    words = line.split()
    try:
        if words[0] == "version":
            answer = f"PyTorch {torch.__version__}, cuDNN {torch.backends.cudnn.version()}"
        elif words[0] == "load":
            load(*words[1:])
            answer = "loaded"
        elif words[0] == "results":
            results()
            answer = "written"
        elif words[0] == "time":
            answer = repr(timed(int(words[1])))
        elif words[0] == "captured":
            answer = repr(captured(int(words[1])))
        else:
            answer = "error: unknown " + words[0]
    except Exception as e:  # the other side decides what to do about it
        answer = "error: " + repr(e).replace("\n", " ")
    print(answer, flush=True)
