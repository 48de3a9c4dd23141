"""Makes chain.onnx, unet.onnx, chain.json and unet.json by PyTorch (1.13.1 made the files).

Usage: python pytorch_models.py, in this folder     (pip install torch)

chain.onnx is of convolutions alone, with weights that are whole numbers and one of them 127 in each layer, so that they stay
as they are. chain.json has what it gives for an input, and what autograd gives for a gradient. unet.onnx is a small U-Net; unet.json has
an input, the largest magnitudes that it leads to before and behind each convolution, and the first one's output."""
import json

import torch
from torch import nn

torch.manual_seed(15)


def whole(module):
    for layer in module.modules():
        if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d)):
            weight = torch.randint(-3, 4, layer.weight.shape).float()
            weight.view(-1)[0] = 127
            layer.weight.data = weight
    return module


chain = whole(nn.Sequential(
    nn.Conv2d(2, 4, (3, 2), stride=(2, 1), padding=(1, 0), bias=False),
    nn.Conv2d(4, 8, 3, padding=2, dilation=2, groups=4, bias=False),
    nn.ConvTranspose2d(8, 6, 3, stride=2, padding=1, output_padding=(1, 0), groups=2, bias=False),
))
x = torch.randint(-1, 2, (1, 2, 7, 6)).float().requires_grad_()
values = [x]
for layer in chain:
    values.append(layer(values[-1]))
    values[-1].retain_grad()
dy = torch.randint(-1, 2, values[-1].shape).float()
values[-1].backward(dy)
torch.onnx.export(chain, x, "chain.onnx", opset_version=13)


def numbers(tensor):
    return {"shape": list(tensor.shape), "values": [int(v) for v in tensor.flatten().tolist()]}


layers = [
    {
        "input": numbers(values[i]), "output": numbers(values[i + 1]),
        "grad_output": numbers(values[i + 1].grad), "grad_input": numbers(values[i].grad),
        "grad_weight": numbers(layer.weight.grad), "weight": numbers(layer.weight),
    }
    for i, layer in enumerate(chain)
]
json.dump(layers, open("chain.json", "w"))


def block(channels, more):
    return nn.Sequential(nn.Conv2d(channels, more, 3, padding=1), nn.BatchNorm2d(more), nn.ReLU())


class UNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.down, self.low, self.deep = block(1, 4), block(4, 8), block(8, 8)
        self.pool = nn.MaxPool2d(2)
        self.up = nn.ConvTranspose2d(8, 4, 2, stride=2)
        self.join, self.out = block(8, 4), nn.Conv2d(4, 2, 1)

    def forward(self, image):
        high = self.down(image)
        low = self.low(self.pool(high))
        up = self.up(self.deep(low) + low)
        return self.out(self.join(torch.cat([high, up], 1)))


unet = UNet().eval()
torch.onnx.export(unet, torch.zeros(1, 1, 16, 16), "unet.onnx", opset_version=13)


def convolution(module):
    return isinstance(module, (nn.Conv2d, nn.ConvTranspose2d))


def normalised(block):
    """A convolution as it is exported, with the normalisation behind it."""
    return nn.utils.fuse_conv_bn_eval(block[0], block[1])


ranges, outputs = [], []


def record(module, inputs, output):
    ranges.append([inputs[0].abs().max().item(), output.abs().max().item()])
    outputs.append(output)


for name in ("down", "low", "deep", "join"):
    block = getattr(unet, name)
    setattr(unet, name, nn.Sequential(normalised(block), block[2]))
for module in unet.modules():
    if convolution(module):
        module.register_forward_hook(record)
image = torch.randn(1, 1, 16, 16)
with torch.no_grad():
    unet(image)


def floats(tensor):
    return {"shape": list(tensor.shape), "values": [round(v, 6) for v in tensor.flatten().tolist()]}


json.dump({"input": floats(image), "ranges": ranges, "first": floats(outputs[0])}, open("unet.json", "w"))
