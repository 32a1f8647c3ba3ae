package domain

// commonWordList has the words that common passwords are made of, in Portuguese and English: words
// for passwords, names, clubs, places, animals, months. It was written for this service, and not
// taken from a list of passwords.
const commonWordList = `
abc abcd abcde abcdef abril abrir access acessar acesso admin administrador administrator adriana adriano
advogado agosto agua aguia alegria alexander alexandra alexandre alice almeida aluno amanda amarelo amazon
america amiga amigo amigos amor amoreterno amorzinho ana anabeatriz anaclara anajulia andre andreia andrew
android angel angelo angels aniversario anjo anonovo anthony antonio apple april arsenal arthur asd asdf
ashley assassin asshole atendimento athletico atletico atleticomineiro audi august austin autumn azul baby
babyboy babygirl backup bad bahia banana banco bank barbara barbosa barcelona baseball basketball batman
bayern beach bear beatles beatriz bebe beer beijo beijos belem benfica benjamin bernardo best bestfriend
bianca big birthday bitch black blue bmw boa boanoite boatarde bom bombeiro bomdia bonita bonito borboleta
bosta botafogo bragantino branco brandon brasil brasileiro brasilia brazil brother bruna bruno buceta bulldog
buster butterfly cacete cachorrinho cachorro cafe cafezinho camaro camila campeao campinas capitao captain
caralho carlos carnaval carolina caroline cartao carvalho casa cavalo ceara celular cereja cerveja ceu
champion change changeme charlie chave chaveiro chaves cheese chelsea cherry chevrolet chicken chocolate
christ christian christmas christopher cinco cisco claudia cliente clientes close coelho coffee cofre colegio
college colorado computador computer config conta contabilidade contas contato convidado cookie cool
corinthians coritiba correio corsa corvette costa cowboys cracker credito cristal cristiane cristina cristo
cruzeiro crystal curitiba daddy dallas danca dance daniel daniela database davi david debian debora december
default demo desculpa desenvolvimento deus deuseamor deusefiel deusemais dev developer development devops dez
dezembro diamante diamond diego dinheiro diretoria doctor doggy dois dolphin domingo door douglas doutor
doutora dragon dragonball eagle eagles earth eduarda eduardo eight elaine elefante elephant eliane elizabeth
email empresa engenharia enter entrar enzo escola escritorio esperanca estrela estrelinha eternal eternamente
europa euteamo example exemplo fabiana fabio fabricio facebook faculdade faith falcao falcon familia family
father fcporto february fechar felicidade felipe feliz felizanonovo feliznatal fernanda fernando ferrari
ferreira festa fevereiro fiat filha filho filhos financeiro fire firewall first fishing five flamengo flavia
flor flores floresta florianopolis flower flowers fluminense foda fodase fogo football ford forever
forevermore fortaleza forte fortnite four fraca fraco francisco freedom freefire friday friend friends fuck
fucker fuckyou funk fusca futebol gabriel gabriela galinha galo game gamer games gata gatinha gatinho gato
gelo general george gerais gerencia gerente ginger girassol goiania goku gol gold golden golf golfer golfinho
gomes good goodmorning google gostosa gostoso grande green gremio guerreiro guest guilherme guitar guitarra
gustavo hack hacker halloween hannah happiness happy happybirthday harley harrypotter heather heitor helena
hello hellokitty helloworld helpdesk henrique hockey hogwarts home homologacao honda hope horse hospital hot
ice ilove iloveyou informatica infra instagram install inter internacional internet inverno iphone
irma irmao ironmaiden ironman isabel isabela isabella james janeiro january jennifer jessica jesus
jesuschrist jesuscristo jesusteama joao john johnny jonathan jordan jorge jose joseph joshua julho julia
juliana julio july june junho justin juventus kaka karina key keys killer king kitty lakers laranja larissa
laura leandro leao legal legiaourbana leonardo leticia letmein liberdade life lightning lima linda lindo
linux lion lirio lisboa little liverpool lobo local localhost lock login logmein logon loja lol love lovely
loveme lover loveyou lua luana lucas luciana luciano luis luiz maca maceio madison mae maggie mail maio mamae
manager manaus manchester manuela manutd mar maravilha maravilhosa marcelo march marcia marco marcos margaret
maria mariana marina mario martins master mateus matheus matrix matthew mau mauricio max maybe medica medico
mega melhor melissa mengao mercedes merda messi metallica meuamor michael michele michelle mickey microsoft
miguel mikrotik milan minas minasgerais minecraft minhasenha minnie mommy monday money monica monkey moon
morango morpheus mother moto mudar mudarsenha mudei mundo music musica mustang mylove mynoob myself mysql
nada nao naruto natal natalia nautico neo netflix network new neymar nicolas nicole nine ninja nintendo
nirvana nissan noob nossasenhora not nothing nova novasenha nove november novembro novo number numero
obrigada obrigado ocean october oito ola old oliveira omg one open openup openvpn operador operator oracle
orange ouro outono outubro page pagode pai paixao palmeiras panda papai parana party pascoa pass passcode
passphrase passwd password passwords patricia patrick paulo paz peace peach pedro pele pepper pequena pequeno
pereira pesca pescaria phone piano pikachu pirata pirate pizza player playstation please poder pokemon
policia porfavor porra porsche porta porto portugal postgres postgresql potter power praia prata preto
primavera primeiro prince princesa princess principe priscila private prod producao production produto
professor professora projeto projetos public puppy purple pussy puta qualquer quarta quatro queen queijo
querida querido quinta qwe qwer qwert qwerty qwertyui rabbit rafael rafaela rainha realmadrid recepcao recife
rede redes regina rei renata renato ribeiro ricardo rich richard rico rio riodejaneiro robert roberta roberto
roblox rocha rock rocknroll rodrigo romario ronaldinho ronaldo root rosa rosana rose router roxo sabado safe
salvador samantha samba sample samsung samurai sandra santaclaus santacruz santos santosfc saopaulo
saopaulofc sasuke saturday saude school second secret secretaria secreto secrets secure security segredo
segunda segundafeira segundo seguranca seguro seis sempre senha senhaforte senhanova senhapadrao senhas
senhasegura senhasenha september sergio sertanejo server service servico servidor sete setembro setup seven
sexta sextafeira sexy shadow shit signin silva silver sim simone sistema sister site six sky slipknot small
smile snoopy soccer sol soldado soldier something sophia sorriso sorry souza spiderman sport sporting sports
spring staging star stars startrek starwars steelers stephen steven storm strong student summer summertime
sun sunday sunshine super superman superuser supervisor suporte suporteti support sysadmin system talvez
tartaruga tatiana taylor teacher teamo tech technology tecnologia telefone temp tempestade temporary ten
tennis terca terceiro terra test teste tester testing thanks thankyou theo thiago third thomas three thunder
thursday tiago tiffany tiger tigger tigre timao toyota trabalho tres tricolor trinity trocar trocarsenha
trovao trustno trustnoone tudobem tuesday turtle twitter two tyler ubuntu ultra universidade university user
username users usuario usuarios valentina valeria vanessa vasco vascodagama vegeta velha velho vendas vento
verao verdao verde viado victor victoria vida viking vinho vinicius violao visitante vitor vitoria vitoriaba
viviane vodka volkswagen vovo vovoh vpn wagner warrior water weak web website wednesday welcome welcomeback
wellington whatever whisky white william wind windows winter wolf wolverine world wtf xbox xyz yamaha yankees
yasmin yellow yes youtube zelda zero zico zxc zxcv zxcvb zxcvbn
`
