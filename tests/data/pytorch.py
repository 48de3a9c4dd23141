"""Makes pytorch.json: convolutions of small integers, and their gradients, by PyTorch (1.13.1 made the file)."""
import torch, json, torch.nn.functional as F
torch.manual_seed(7)
cases=[]
# name, N, C, K, groups, (H,W), (R,S), stride, padding(v,h), dilation
for name,n,c,k,g,hw,rs,st,pad,dil in [
 ("dense_unequal",2,3,4,1,(7,8),(3,2),(2,1),(1,2),(1,2)),
 ("grouped",3,4,6,2,(6,5),(2,3),(1,2),(0,1),(2,1)),
 ("depthwise",2,4,4,4,(6,7),(3,3),(2,2),(1,1),(1,1)),
 ("depthwise_multiplier",2,3,6,3,(5,6),(3,2),(1,2),(1,0),(1,1)),
 ("padding_above_kernel",2,2,3,1,(4,5),(2,2),(2,3),(3,4),(1,1)),
 ("stride_above_kernel",3,3,2,1,(9,8),(2,1),(4,3),(0,0),(1,1)),
]:
    x=torch.randint(-9,10,(n,c)+hw).double().requires_grad_()
    w=torch.randint(-9,10,(k,c//g)+rs).double().requires_grad_()
    y=F.conv2d(x,w,stride=st,padding=pad,dilation=dil,groups=g)
    dy=torch.randint(-9,10,tuple(y.shape)).double()
    y.backward(dy)
    arr=lambda t:{"shape":list(t.shape),"values":[int(v) for v in t.detach().reshape(-1)]}
    cases.append({"name":name,"conv":{"in_channels":c,"out_channels":k,"groups":g,"in_size":list(hw),"kernel":list(rs),"stride":list(st),"dilation":list(dil),"padding":list(pad),"batch":n},
      "input":arr(x),"weight":arr(w),"grad_output":arr(dy),"output":arr(y),"grad_input":arr(x.grad),"grad_weight":arr(w.grad)})
for name,n,ci,co,g,hw,rs,st,pad,op,dil in [
 ("transposed",2,4,3,1,(4,5),(3,4),(2,3),(1,0),(1,2),(1,1)),
 ("transposed_grouped",1,4,6,2,(3,4),(2,3),(3,1),(1,1),(2,0),(1,2)),
]:
    x=torch.randint(-9,10,(n,ci)+hw).double(); w=torch.randint(-9,10,(ci,co//g)+rs).double()
    y=F.conv_transpose2d(x,w,stride=st,padding=pad,output_padding=op,dilation=dil,groups=g)
    cases.append({"name":name,"conv_transpose":{"in_channels":ci,"out_channels":co,"groups":g,"in_size":list(hw),"kernel":list(rs),"stride":list(st),"dilation":list(dil),"padding":list(pad),"output_padding":list(op)},
      "input":arr(x),"weight":arr(w),"output":arr(y)})
print("[\n"+",\n".join(json.dumps(c) for c in cases)+"\n]")
